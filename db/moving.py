"""What does moving to another store ask of a store? Verbs that hand out every record there is, and take records as they are.

Part of the port `Store`. For a deployment that stands still; nothing here is guarded by turns, states or fences.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from db.box_documents import report_row, wish_row
from db.contexts import context_row
from db.documents import (
    chunk_row,
    command_row,
    encode_turn,
    event_row,
    job_row,
    piece_row,
    process_row,
    session_row,
    switch_row,
    uow_row,
)
from db.entries import entry_row
from db.keeping import Floor, Page
from db.model import Session
from db.paper_documents import paper_row

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=bytes.hex).encode

Record = Any  # one of the records that KINDS says how to write down


@dataclass(frozen=True, slots=True)
class KeptSession:
    """A session and whether it is open."""

    session: Session
    is_open: bool


@dataclass(frozen=True, slots=True)
class KeptFloor:
    """The floor of a process."""

    process: str
    floor: Floor


@dataclass(frozen=True, slots=True)
class Marks:
    """What a store remembers beside its records: how far turns are projected, which were removed, the last number of a command."""

    projected: int = 0
    removed_turns: int = 0
    last_command: int = 0


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of records: how one is written down, whichever store it came from, and which of its fields name it."""

    row: Callable[[Any], Mapping[str, Any]]
    key: tuple[str, ...]

    def written(self, record: Record) -> tuple[str, str]:
        """Return what a record is known by, to a person too, and all of it as one text: two are the same where their texts are."""
        row = self.row(record)
        return "/".join([str(row[field]) for field in self.key]), _encode(row)

    def name(self, record: Record) -> str:
        """Return what a record is known by."""
        return self.written(record)[0]

    def text(self, record: Record) -> str:
        """Return all of a record as one text."""
        return self.written(record)[1]


# In the order in which they are moved. The names are shown to people, and stand in what is noted of a migration.
KINDS: Mapping[str, Kind] = {
    "processes": Kind(process_row, ("name",)),
    "switches": Kind(switch_row, ("process",)),
    "floors": Kind(lambda kept: {"process": kept.process, "generation": kept.floor.generation, "fence": kept.floor.fence}, ("process",)),
    "entries": Kind(entry_row, ("process", "name")),
    "papers": Kind(paper_row, ("kind", "key")),
    "contexts": Kind(context_row, ("digest", "box")),
    "box wishes": Kind(wish_row, ("box", "process")),
    "box reports": Kind(report_row, ("box", "process")),
    "sessions": Kind(lambda kept: {**session_row(kept.session), "is_open": kept.is_open}, ("id",)),
    "commands": Kind(command_row, ("number",)),
    "chunks": Kind(chunk_row, ("process", "number")),
    "jobs": Kind(job_row, ("process", "timeperiod")),
    "units of work": Kind(uow_row, ("id",)),
    "events": Kind(event_row, ("process", "timeperiod", "turn", "place")),
    "output": Kind(piece_row, ("uow_id", "fence", "offset")),
    "turns": Kind(lambda turn: {"number": turn.number, "body": encode_turn(turn)}, ("number",)),
}


class Moving(ABC):
    """Handing out and taking in all there is. `kind` is one of KINDS."""

    @abstractmethod
    def records(self, kind: str, after: str, limit: int) -> Page[Record]:
        """Return the next `limit` records after a place. A pass from place to place comes by each once, while nobody writes."""

    @abstractmethod
    def put_records(self, kind: str, records: Sequence[Record]) -> None:
        """Write records as they are, each in place of what has the same key. Need not last before the next `put_note` does."""

    @abstractmethod
    def marks(self) -> Marks:
        """Return what is remembered beside the records."""

    @abstractmethod
    def put_marks(self, marks: Marks) -> None:
        """Remember this, and nothing else, beside the records."""

    @abstractmethod
    def note(self, name: str) -> str:
        """Return a text that was noted under `name`, empty where there is none."""

    @abstractmethod
    def put_note(self, name: str, text: str) -> None:
        """Note a text in place of the one before. Durable on return, with all that was written before it."""
