"""How does an SQL database hand out all it has, and take in what another store had?"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from db.box_documents import report_row, row_report, row_wish, wish_row
from db.contexts import context_row, row_context
from db.documents import (
    chunk_row,
    command_row,
    decode_turn,
    encode_turn,
    event_row,
    job_row,
    moment_text,
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
from db.model import Turn
from db.moving import KeptFloor, KeptSession, Marks, Record
from db.paper_documents import paper_row, row_paper
from db.sql_dialect import insert_or_replace
from db.sql_keeping import REMOVED
from db.sql_numbers import last_number, raise_number
from db.sql_schema import (
    PROJECTED_TURN,
    box_reports,
    box_wishes,
    chunks,
    commands,
    contexts,
    entries,
    events,
    floors,
    jobs,
    notes,
    output,
    papers,
    processes,
    sessions,
    switches,
    turns,
    uows,
)
from db.storable import storable
from db.store import Store
from system.sqldatabase import META, Database
from system.sqlmany import Many

Row = Mapping[str, Any]
_NOTE = sa.select(notes.c.text).where(notes.c.name == sa.bindparam("of"))
_PUT_META = insert_or_replace(META)
_PUT_NOTE = insert_or_replace(notes)


@dataclass(frozen=True)
class _Kept:
    """Where a kind of records lies, and how one becomes a row and back."""

    table: sa.Table
    row: Callable[[Any], Row]
    record: Callable[[Row], Any]
    put: Many


def _kept(table: sa.Table, row: Callable[[Any], Row], record: Callable[[Row], Any]) -> _Kept:
    return _Kept(table, row, record, insert_or_replace(table))


def _turn_row(turn: Turn) -> Row:
    body = encode_turn(turn)
    return {"number": turn.number, "session": turn.session, "decided_at": moment_text(turn.decided_at), "body": body}


_KEPT = {
    "processes": _kept(processes, process_row, row_process),
    "switches": _kept(switches, switch_row, row_switch),
    "floors": _kept(
        floors,
        lambda kept: {"process": kept.process, "generation": kept.floor.generation, "fence": kept.floor.fence},
        lambda row: KeptFloor(row["process"], Floor(row["generation"], row["fence"])),
    ),
    "entries": _kept(entries, entry_row, lambda row: row_entry(row["body"])),
    "papers": _kept(papers, paper_row, row_paper),
    "contexts": _kept(contexts, context_row, row_context),
    "box wishes": _kept(box_wishes, wish_row, row_wish),
    "box reports": _kept(box_reports, report_row, row_report),
    "sessions": _kept(
        sessions,
        lambda kept: {**session_row(kept.session), "is_open": int(kept.is_open)},
        lambda row: KeptSession(row_session(row), is_open=bool(row["is_open"])),
    ),
    "commands": _kept(commands, command_row, row_command),
    "chunks": _kept(chunks, chunk_row, row_chunk),
    "jobs": _kept(jobs, job_row, row_job),
    "units of work": _kept(uows, uow_row, row_uow),
    "events": _kept(events, event_row, row_event),
    "output": _kept(output, piece_row, row_piece),
    "turns": _kept(turns, _turn_row, lambda row: decode_turn(row["body"])),
}


class SqlMoving(Store):
    """The part of `SqlStore` that moves. A place is the key of the last row."""

    database: Database

    def records(self, kind: str, after: str, limit: int) -> Page[Record]:
        """See Moving."""
        kept = _KEPT[kind]
        order = list(kept.table.primary_key)
        place = json.loads(after) if after else []
        rows = self.database.read(lambda conn: _page(conn, kept.table, order, place, limit))
        names = kept.table.c.keys()
        found = [dict(zip(names, row, strict=True)) for row in rows]
        end = json.dumps([found[-1][column.name] for column in order]) if len(found) == limit else ""
        return Page([kept.record(row) for row in found], end)

    def put_records(self, kind: str, records: Sequence[Record]) -> None:
        """See Moving."""
        kept = _KEPT[kind]
        rows = [_values(kept.table, kept.row(record)) for record in records]
        self.database.write(lambda conn: kept.put(conn, rows), durable=False)

    def marks(self) -> Marks:
        """See Moving."""

        def read(conn: sa.Connection) -> Marks:
            found = dict(tuple(row) for row in conn.execute(sa.select(META.c.name, META.c.value)).all())
            return Marks(found.get(PROJECTED_TURN, 0), found.get(REMOVED, 0), last_number(conn, commands.c.number))

        return self.database.read(read)

    def put_marks(self, marks: Marks) -> None:
        """See Moving."""
        values = {PROJECTED_TURN: marks.projected, REMOVED: marks.removed_turns}

        def write(conn: sa.Connection) -> None:
            _PUT_META(conn, list(values.items()))
            raise_number(conn, commands.c.number, marks.last_command)

        self.database.write(write)

    def note(self, name: str) -> str:
        """See Moving."""
        return self.database.read(lambda conn: conn.execute(_NOTE, {"of": name}).scalar()) or ""

    def put_note(self, name: str, text: str) -> None:
        """See Moving."""
        self.database.write(lambda conn: _PUT_NOTE(conn, [(name, text)]))


def _page(
    conn: sa.Connection, table: sa.Table, order: Sequence[sa.Column[Any]], place: Sequence[Any], limit: int
) -> list[sa.Row[Any]]:
    """Return the next rows after a place. One query for each part of the key, as not every database finds its way by all at once."""
    found: list[sa.Row[Any]] = []
    for depth in range(len(place), 0, -1) if place else [0]:
        same = [column == value for column, value in zip(order, place[: max(0, depth - 1)], strict=False)]
        beyond = [order[depth - 1] > place[depth - 1]] if depth else []
        wanted = sa.select(table).where(*same, *beyond).order_by(*order).limit(limit - len(found))
        found += conn.execute(wanted).all()
        if len(found) == limit:
            break
    return found


def _values(table: sa.Table, row: Row) -> tuple[Any, ...]:
    return tuple([_plain(row[column.name]) for column in table.c])


def _plain(value: Any) -> Any:
    if type(value) is bool:
        return int(value)  # not every server takes a truth value for a number
    return storable(value) if type(value) is str else value
