"""Which source does an entry name?"""

from __future__ import annotations

from db.source import Source
from system.source_entry import SourceEntry


def open_source(entry: SourceEntry) -> Source:
    """Return the source that `entry` names; raises SourceError where its driver is missing or its URL can't be used."""
    # Late: a driver takes a moment to import, and few deployments need both.
    if entry.url.startswith("mongodb"):
        from db.mongo_source import mongo_source

        return mongo_source(entry)
    from db.sql_source import SqlSource

    return SqlSource(entry)
