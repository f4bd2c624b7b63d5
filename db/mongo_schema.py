"""Which collections and indexes does MongoDB hold for us? Made where they are missing, and known to be complete.

What is unique is carried by `_id`: `process/timeperiod` of a job, `process/entry` of a freerun entry, `box/process` of a box's rows,
`kind/key` of a paper, `process/timeperiod/generation/run` of a unit of work, that and `/fence/offset` of a piece of output, a turn's
and a command's number.
So each is one index less, and a write that takes a key is a write of one document.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo.database import Database

from db.documents import Row
from db.model import CommandState
from db.mongo_bulk import insert_new
from db.mongo_client import Talk
from system.errors import SchemaError

SCHEMA_VERSION = 1

COLLECTIONS = (
    "meta", "turns", "turn_parts", "jobs", "chunks", "uows", "sessions", "commands", "events", "switches", "floors", "output", "processes",
    "entries", "box_wishes", "box_reports", "contexts", "papers",
)  # fmt: skip

# Partial ones hold what is in flight only, so they stay small and a write of a finished record doesn't pay for them.
INDEXES: tuple[tuple[str, Sequence[tuple[str, int]], Mapping[str, Any]], ...] = (
    ("jobs", [("active", 1)], {"partialFilterExpression": {"active": True}}),
    ("chunks", [("process", 1)], {}),
    ("uows", [("session", 1), ("state", 1)], {"partialFilterExpression": {"cancel_requested": True}}),
    # What ran when, for a person who looks. Written by a claim, always at its end.
    ("uows", [("started_at", 1), ("_id", 1)], {"partialFilterExpression": {"started_at": {"$gt": ""}}}),
    ("sessions", [("open", 1)], {"partialFilterExpression": {"open": True}}),
    ("sessions", [("opened_at", 1)], {"partialFilterExpression": {"open": False}}),
    ("events", [("process", 1), ("timeperiod", 1), ("turn", -1), ("place", -1)], {}),
    ("papers", [("kind", 1), ("until", 1)], {}),
    ("commands", [("state", 1), ("_id", 1)], {"partialFilterExpression": {"state": CommandState.OPEN.value}}),
)


def prepare(database: Database[Row], talk: Talk) -> None:
    """Create what is missing; raises SchemaError where a newer version wrote it."""
    meta = database["meta"]
    with talk():
        insert_new(meta, [{"_id": "schema", "version": SCHEMA_VERSION}])
        found = meta.find_one({"_id": "schema"})
        if found is None or found["version"] > SCHEMA_VERSION:
            version = found and found["version"]
            raise SchemaError(f"the store has schema {version}, this code knows up to {SCHEMA_VERSION}: run a newer Horarium on it")
        for collection, keys, options in INDEXES:
            database[collection].create_index(keys, **options)


def erase(database: Database[Row]) -> None:
    """Remove all that is ours in `database`, and let go of it."""
    with Talk(database.client)():
        for name in COLLECTIONS:
            database.drop_collection(name)
        database.client.close()
