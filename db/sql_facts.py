"""What does an SQL database tell of itself: which tables, columns and indexes of ours are missing?"""

from __future__ import annotations

import sqlite3

import sqlalchemy as sa

from db.facts import StoreFacts
from db.sql_schema import PART, STEPS, metadata
from db.store import Store
from system.sqlfile import META, SqlFile
from system.sqlschema import grow, missing_of

_OLDEST = (3, 24, 0)  # the first that knows INSERT .. ON CONFLICT


class SqlFacts(Store):
    """What `SqlStore` tells of itself."""

    file: SqlFile

    def describe(self) -> StoreFacts:
        """See Store."""
        return self.file.read(_facts)

    def mend(self) -> None:
        """See Store."""
        self.file.write(lambda conn: grow(conn, metadata))


def _facts(conn: sa.Connection) -> StoreFacts:
    found = _schema(conn)
    missing = tuple(missing_of(conn, metadata)) if found == len(STEPS) else ()  # an older one lacks what its update will bring
    version = sqlite3.sqlite_version_info
    oldest = ".".join(map(str, _OLDEST))
    unsupported = "" if version >= _OLDEST else f"SQLite {oldest} or later is expected: install a newer Python, or a newer libsqlite3"
    return StoreFacts(f"SQLite {sqlite3.sqlite_version}", found, len(STEPS), unsupported, missing)


def _schema(conn: sa.Connection) -> int:
    if not sa.inspect(conn).has_table(META.name):
        return 0
    return conn.execute(sa.select(META.c.value).where(META.c.name == f"{PART}_version")).scalar() or 0
