"""Does a store of an earlier version get all that came after it?"""

from __future__ import annotations

import zlib
from pathlib import Path

from db.sql import SqlStore
from db.sql_schema import STEPS, metadata
from system.sqlfile import SqlFile
from tests.support.older_stores import write_version_4

# Of what the tables of each version are made.
DIGESTS = {5: 3_244_585_567}


def test_a_file_of_version_4_gets_the_index_that_came_after_it(tmp_path: Path) -> None:
    write_version_4(tmp_path / "old.db")
    store = SqlStore(SqlFile(tmp_path / "old.db"))
    store.prepare()
    facts = store.describe()
    assert (facts.schema, facts.missing) == (len(STEPS), ())
    store.close()


def test_what_is_added_to_the_schema_brings_a_version_of_its_own() -> None:
    made = [(table.name, table.c.keys(), sorted(str(index.name) for index in table.indexes)) for table in metadata.sorted_tables]
    digest = zlib.crc32(repr(sorted(made)).encode())
    assert DIGESTS.get(len(STEPS)) == digest, f"stores that are there get what is new by a step more: add it, and note {digest} for it"
