"""How does MongoDB hand out all it has, and take in what another store had? By `_id`, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo import ReplaceOne
from pymongo.collection import Collection
from pymongo.database import Database

from db.box_documents import report_row, row_report, row_wish, wish_row
from db.contexts import context_row, row_context
from db.documents import (
    Row,
    chunk_row,
    command_row,
    encode_turn,
    event_row,
    job_row,
    piece_row,
    process_row,
    row_chunk,
    row_command,
    row_event,
    row_job,
    row_piece,
    row_process,
    row_session,
    row_switch,
    row_uow,
    session_row,
    switch_row,
    uow_row,
)
from db.entries import entry_row, row_entry
from db.keeping import Floor, Page
from db.mongo_bulk import insert_new, write
from db.mongo_client import Talk
from db.mongo_turns import packed
from db.moving import KINDS, KeptFloor, KeptSession, Marks, Record
from db.paper_documents import paper_row, row_paper
from db.store import Store
from system.lifecycle import JOB_ACTIVE

_NOTE = "note:"
_MARKS = ("projected", "removed_turns", "last_command")  # the fields of Marks, and the `_id` of a document each


@dataclass(frozen=True, slots=True)
class _Kept:
    """Where a kind of records lies, and how one becomes a document (but for its `_id`, which is made of its key) and back."""

    collection: str
    document: Callable[[Any], Row]
    record: Callable[[Row], Any]


_KEPT = {
    "processes": _Kept("processes", process_row, row_process),
    "switches": _Kept("switches", switch_row, row_switch),
    "floors": _Kept(
        "floors",
        lambda kept: {"generation": kept.floor.generation, "fence": kept.floor.fence},
        lambda found: KeptFloor(found["_id"], Floor(int(found["generation"]), int(found["fence"]))),
    ),
    "entries": _Kept("entries", entry_row, lambda found: row_entry(found["body"])),
    "papers": _Kept("papers", paper_row, row_paper),
    "contexts": _Kept("contexts", context_row, row_context),
    "box wishes": _Kept("box_wishes", wish_row, row_wish),
    "box reports": _Kept("box_reports", report_row, row_report),
    "sessions": _Kept(
        "sessions",
        lambda kept: {**session_row(kept.session), "open": kept.is_open},
        lambda found: KeptSession(row_session(found), is_open=bool(found["open"])),
    ),
    "commands": _Kept("commands", command_row, row_command),
    "chunks": _Kept("chunks", chunk_row, row_chunk),
    "jobs": _Kept("jobs", lambda job: {**job_row(job), "active": job.state in JOB_ACTIVE}, row_job),
    "units of work": _Kept(
        "uows",
        lambda uow: {name: value for name, value in uow_row(uow).items() if name != "id"},
        lambda found: row_uow({**found, "id": found["_id"]}),
    ),
    "events": _Kept("events", event_row, row_event),
    "output": _Kept("output", piece_row, row_piece),
}


class MongoMoving(Store):
    """The part of `MongoStore` that moves. A place is the last `_id`, with what it is: numbers sort otherwise than texts."""

    _database: Database[Row]
    _talk: Talk
    _meta: Collection[Row]

    def records(self, kind: str, after: str, limit: int) -> Page[Record]:
        """See Moving."""
        if kind == "turns":
            turns = self.turns_after(int(after or 0), limit)
            return Page(list(turns), str(turns[-1].number) if len(turns) == limit else "")
        kept = _KEPT[kind]
        place: Any = int(after) if after and kind == "commands" else after
        wanted = {"_id": {"$gt": place}} if after else {}
        with self._talk():
            found = list(self._database[kept.collection].find(wanted, sort=[("_id", 1)], limit=limit))
        return Page([kept.record(document) for document in found], str(found[-1]["_id"]) if len(found) == limit else "")

    def put_records(self, kind: str, records: Sequence[Record]) -> None:
        """See Moving."""
        if kind == "turns":
            self._put_turns(records)
            return
        kept = _KEPT[kind]
        documents = {_id(kind, record): kept.document(record) for record in records}
        with self._talk():
            write(self._database[kept.collection], [ReplaceOne({"_id": key}, d, upsert=True) for key, d in documents.items()])

    def _put_turns(self, turns: Sequence[Record]) -> None:
        made = [packed(turn.number, encode_turn(turn)) for turn in turns]
        with self._talk():
            for part in (part for _, parts in made for part in parts):  # one by one: together they may be more than a message holds
                write(self._database["turn_parts"], [ReplaceOne({"_id": part["_id"]}, part, upsert=True)])
            insert_new(self._database["turns"], [document for document, _ in made])

    def marks(self) -> Marks:
        """See Moving."""
        with self._talk():
            found = {document["_id"]: int(document["number"]) for document in self._meta.find({"_id": {"$in": list(_MARKS)}})}
            last = self._database["commands"].find_one({}, {"_id": 1}, sort=[("_id", -1)])
        highest = max(found.get("last_command", 0), int(last["_id"]) if last else 0)
        return Marks(found.get("projected", 0), found.get("removed_turns", 0), highest)

    def put_marks(self, marks: Marks) -> None:
        """See Moving."""
        with self._talk():
            for name in _MARKS:
                self._meta.replace_one({"_id": name}, {"number": getattr(marks, name)}, upsert=True)

    def note(self, name: str) -> str:
        """See Moving."""
        with self._talk():
            found = self._meta.find_one({"_id": _NOTE + name})
        return str(found["text"]) if found else ""

    def put_note(self, name: str, text: str) -> None:
        """See Moving."""
        with self._talk():
            self._meta.replace_one({"_id": _NOTE + name}, {"text": text}, upsert=True)


def _id(kind: str, record: Record) -> Any:
    return record.number if kind == "commands" else KINDS[kind].name(record)
