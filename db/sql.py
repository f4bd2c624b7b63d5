"""How does an SQL database keep the records? The store over SQLAlchemy Core: on one SQLite file, which the queue may share, or a server.

A batch is one transaction, so it is whole or absent; nothing above counts on that. Records become rows in the caller's thread: the
writer thread has only statements to run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from db import sql_uows
from db.contexts import ContextRow, context_row, row_context
from db.documents import (
    chunk_row,
    command_row,
    decode_turn,
    encode_turn,
    event_row,
    facts_text,
    job_values,
    moment_text,
    piece_row,
    process_row,
    read_uows,
    row_chunk,
    row_command,
    row_event,
    row_job,
    row_piece,
    row_process,
    row_session,
    row_switch,
    session_row,
    switch_row,
)
from db.entries import Entry, entry_row, row_entry
from db.model import BeatAnswer, Chunk, Command, Event, Job, Outcome, OutputPiece, ProcessRow, Session, Switch, Turn, UnitOfWork
from db.sql_boxes import SqlBoxes
from db.sql_dialect import insert_absent, insert_newer, insert_or_replace
from db.sql_facts import SqlFacts
from db.sql_keeping import REMOVED_TURNS, SqlKeeping
from db.sql_looking import SqlLooking
from db.sql_moving import SqlMoving
from db.sql_papers import SqlPapers
from db.sql_schema import (
    ACTIVE_JOB,
    OPEN_COMMAND,
    PART,
    PROJECTED_TURN,
    STEPS,
    TRUE,
    chunks,
    commands,
    contexts,
    entries,
    events,
    jobs,
    output,
    processes,
    sessions,
    switches,
    turns,
)
from db.storable import kept, refuse_heavy, storable
from db.store import nothing, opened_at_once
from system.errors import NotFound, StoreError
from system.sqldatabase import META, Database
from system.sqlfile import SqlFile
from system.sqlmany import Many, Prepared

T = TypeVar("T")

_INSERT_TURN = insert_absent(turns)
_TAKE_BACK = sa.delete(turns).where(turns.c.number == sa.bindparam("number"))
_TURNS_AFTER = (
    sa.select(turns.c.body).where(turns.c.number > sa.bindparam("after")).order_by(turns.c.number).limit(sa.bindparam("most"))
)
_PROJECTED = sa.select(META.c.value).where(META.c.name == PROJECTED_TURN)
_SET_PROJECTED = Prepared(
    sa.update(META).where(META.c.name == PROJECTED_TURN, META.c.value < sa.bindparam("number")).values(value=sa.bindparam("number"))
)
_REMOVED = Prepared(REMOVED_TURNS)

_PUT_JOBS = insert_newer(jobs)
_PUT_CHUNKS = insert_newer(chunks)
_PUT_ENTRIES = insert_newer(entries)
_ENTRIES = sa.select(entries.c.body)
_PUT_EVENTS = insert_absent(events)
_EVENTS = (
    sa.select(events)
    .where(events.c.process == sa.bindparam("of"), events.c.timeperiod == sa.bindparam("period"))
    .order_by(events.c.turn.desc(), events.c.place.desc())
    .limit(sa.bindparam("most"))
)
_PUT_SWITCHES = insert_newer(switches)
_SWITCHES = sa.select(switches)
_ACTIVE_JOBS = sa.select(jobs).where(jobs.c.state <= ACTIVE_JOB)
_JOBS = sa.select(jobs).where(jobs.c.process == sa.bindparam("of"), jobs.c.timeperiod.in_(sa.bindparam("periods", expanding=True)))
_CHUNKS = sa.select(chunks).where(chunks.c.process == sa.bindparam("of"))

_OPEN_SESSION = insert_absent(sessions)
_BEAT = (
    sa.update(sessions)
    .where(sessions.c.id == sa.bindparam("key"), sessions.c.is_open == TRUE)
    .values(beat=sessions.c.beat + 1, facts=sa.bindparam("told"))
)
_SESSIONS = sa.select(sessions).where(sessions.c.is_open == TRUE)
_BEAT_OF = sa.select(sessions.c.beat).where(sessions.c.id == sa.bindparam("key"), sessions.c.is_open == TRUE)
_CLOSE = Many(sa.update(sessions).where(sessions.c.id == sa.bindparam("key")).values(is_open=0), ("is_open", "key"))
_EXPIRE = (
    sa.update(sessions)
    .where(sessions.c.id == sa.bindparam("key"), sessions.c.is_open == TRUE, sessions.c.beat == sa.bindparam("seen"))
    .values(is_open=0)
)

_ADD_COMMAND = sa.insert(commands)
_OPEN_COMMANDS = sa.select(commands).where(OPEN_COMMAND).order_by(commands.c.number).limit(sa.bindparam("most"))
_LATEST_COMMANDS = (
    sa.select(commands).where(commands.c.number < sa.bindparam("before")).order_by(commands.c.number.desc()).limit(sa.bindparam("most"))
)
_BEYOND = 2**31 - 1  # above the number of any command, and still one that every server takes
_COMMAND = sa.select(commands).where(commands.c.number == sa.bindparam("key"))
_ANSWER = Many(
    sa.update(commands)
    .where(commands.c.number == sa.bindparam("key"), OPEN_COMMAND)
    .values({name: sa.bindparam(name) for name in ("state", "answer", "turn")}),
    ("state", "answer", "turn", "key"),
)

_PUT_OUTPUT = insert_or_replace(output)
_OUTPUT = sa.select(output).where(output.c.uow_id == sa.bindparam("of")).order_by(output.c.fence, output.c.offset)
_PROCESSES = sa.select(processes).order_by(processes.c.name)
_PUT_PROCESSES = insert_newer(processes)
_CONTEXTS = sa.select(contexts)
_PUT_CONTEXTS = insert_newer(contexts)


class SqlStore(SqlBoxes, SqlFacts, SqlKeeping, SqlLooking, SqlMoving, SqlPapers):
    """A store in an SQL database, which it closes."""

    opens_at_once = True

    def __init__(self, database: Database) -> None:
        self.database = database

    @property
    def file(self) -> SqlFile | None:
        """The SQLite file, for a queue that lives in it too; None where the database is on a server."""
        return self.database if isinstance(self.database, SqlFile) else None

    def prepare(self) -> None:
        """See Store."""
        self.database.migrate(PART, STEPS)

    def close(self) -> None:
        """See Store."""
        self.database.close()

    # -- turns

    def insert_turn(self, turn: Turn) -> bool:
        """See Store."""
        text = encode_turn(turn)
        refuse_heavy(turn, text)
        row = (turn.number, turn.session, moment_text(turn.decided_at), text)
        at_once = [kept(sql_uows.new_row(uow)) for uow in opened_at_once(turn)]

        def insert(conn: sa.Connection) -> bool:
            if _INSERT_TURN(conn, [row]) != 1:
                return False
            # Only now: whoever removed this number meanwhile is done, since the insert waited for that.
            is_removed = turn.number <= max((number for (number,) in _REMOVED(conn)), default=0)
            if is_removed:
                conn.execute(_TAKE_BACK, {"number": turn.number})
                return False
            sql_uows.open_new(conn, at_once)  # as `project` will: of few, a worker may know already
            return True

        return self.database.write(insert)

    def turns_after(self, number: int, limit: int) -> list[Turn]:
        """See Store."""
        wanted = {"after": number, "most": max(0, limit)}
        bodies = self.database.read(lambda conn: conn.execute(_TURNS_AFTER, wanted).scalars().all())
        return [decode_turn(body) for body in bodies]

    def projected_turn(self) -> int:
        """See Store."""
        return self.database.read(lambda conn: conn.execute(_PROJECTED).scalar()) or 0

    # -- projections

    def project(self, turn: Turn, chunks: Sequence[Chunk], on_requested: Callable[[], None] = nothing) -> None:
        """See Store."""
        uow_rows = [kept(sql_uows.new_row(uow)) for uow in turn.opened]
        move_rows = [sql_uows.move_row(move, turn.number) for move in turn.moves]
        job_rows = [kept(job_values(job)) for job in turn.jobs]
        entry_rows = [_values(entry_row(entry)) for entry in turn.entries]
        chunk_rows = [_values(chunk_row(chunk)) for chunk in chunks]
        event_rows = [_values(event_row(event)) for event in turn.events]
        switch_rows = [_values(switch_row(switch)) for switch in turn.switches]
        registered = [_values(process_row(row)) for row in turn.registered]
        context_rows = [_values(context_row(row)) for row in turn.contexts]
        answers = [(answer.state.value, storable(answer.text), turn.number, answer.number) for answer in turn.answers]

        def apply(conn: sa.Connection) -> None:
            sql_uows.open_new(conn, uow_rows)
            sql_uows.cancel(conn, turn.cancels)
            sql_uows.move(conn, move_rows)
            sql_uows.widen(conn, turn.widenings, turn.number)
            _PUT_JOBS(conn, job_rows)
            _PUT_ENTRIES(conn, entry_rows)
            _PUT_CHUNKS(conn, chunk_rows)
            _PUT_SWITCHES(conn, switch_rows)
            _close(conn, turn.lost)
            _ANSWER(conn, answers)
            _PUT_PROCESSES(conn, registered)
            _PUT_CONTEXTS(conn, context_rows)
            _PUT_EVENTS(conn, event_rows)
            _SET_PROJECTED(conn, number=turn.number)

        # In a file it need not last: the turn does, and whoever begins after a power cut projects it again. A server that crashes is
        # outlived by whoever leads, who would take for written what it forgot, and raise the mark above it with the next turn.
        self.database.write(apply, durable=self.file is None)
        on_requested()

    # -- jobs and chunks

    def active_jobs(self) -> list[Job]:
        """See Store."""
        return self._records(row_job, _ACTIVE_JOBS, {})

    def jobs(self, process: str, timeperiods: Sequence[str]) -> list[Job]:
        """See Store."""
        parts = sql_uows.sliced(list(dict.fromkeys(timeperiods)))
        return [job for part in parts for job in self._records(row_job, _JOBS, {"of": process, "periods": list(part)})]

    def chunks(self, processes: Sequence[str]) -> Iterator[Chunk]:
        """See Store."""
        # By process, and never with a cursor open: whoever stops half-way must not pin an old state of the file.
        for process in dict.fromkeys(processes):
            yield from self._records(row_chunk, _CHUNKS, {"of": process})

    def entries(self) -> list[Entry]:
        """See Store."""
        return [row_entry(body) for body in self.database.read(lambda conn: conn.execute(_ENTRIES).scalars().all())]

    def events(self, process: str, timeperiod: str, limit: int) -> list[Event]:
        """See Store."""
        return self._records(row_event, _EVENTS, {"of": process, "period": timeperiod, "most": max(0, limit)})

    # -- units of work

    def uows(self, ids: Sequence[str]) -> list[UnitOfWork]:
        """See Store."""
        return read_uows(self.database.read(lambda conn: sql_uows.find(conn, ids)))

    def uows_of(self, process: str, timeperiod: str, limit: int) -> list[UnitOfWork]:
        """See Store."""
        return read_uows(self.database.read(lambda conn: sql_uows.of_job(conn, process, timeperiod, limit)))

    def fires(self, process: str, entry: str, limit: int) -> list[UnitOfWork]:
        """See Store."""
        return read_uows(self.database.read(lambda conn: sql_uows.of_entry(conn, process, entry, limit)))

    def claim(self, ids: Sequence[str], session: str, at: datetime) -> list[UnitOfWork]:
        """See Store."""
        rows = self.database.write(lambda conn: sql_uows.claim(conn, ids, session, at))
        return sql_uows.claimed(rows, session, at)

    def give_back(self, claims: Sequence[UnitOfWork]) -> list[str]:
        """See Store."""
        return self.database.write(lambda conn: sql_uows.give_back(conn, claims))

    def finish(self, outcomes: Sequence[Outcome]) -> list[str]:
        """See Store."""
        rows = [sql_uows.outcome_values(outcome) for outcome in outcomes]
        return self.database.write(lambda conn: sql_uows.finish(conn, outcomes, rows))

    def renew(self) -> bool:
        """See Store."""
        is_replaced = self.database.is_replaced
        if is_replaced:
            self.database.renew()
        return is_replaced

    # -- sessions

    def open_session(self, session: Session) -> None:
        """See Store."""
        row = (*session_row(session).values(), 1)
        self.database.renew()
        if not self.database.write(lambda conn: _OPEN_SESSION(conn, [row])):
            raise StoreError(f"session {session.id!r} was opened before; a session's id is used once: open one with a new id")

    def beat(self, session_id: str, facts: dict[str, str]) -> BeatAnswer:
        """See Store."""
        change = {"key": session_id, "told": facts_text(facts)}
        if self.database.is_replaced:  # what this session did is in another file
            return BeatAnswer(is_open=False)

        def beat(conn: sa.Connection) -> BeatAnswer:
            if not conn.execute(_BEAT, change).rowcount:
                return BeatAnswer(is_open=False)
            return BeatAnswer(is_open=True, cancels=sql_uows.to_end(conn, session_id))

        return self.database.write(beat)

    def sessions(self) -> list[Session]:
        """See Store."""
        return self._records(row_session, _SESSIONS, {})

    def beat_of(self, session_id: str) -> int | None:
        """See Store."""
        found = self.database.read(lambda conn: conn.execute(_BEAT_OF, {"key": session_id}).scalar())
        return None if found is None else int(found)

    def close_sessions(self, ids: Sequence[str]) -> None:
        """See Store."""
        self.database.write_anew(lambda conn: _close(conn, ids))

    def expire_sessions(self, beats: Mapping[str, int]) -> list[str]:
        """See Store."""
        return self.database.write(
            lambda conn: [key for key, seen in sorted(beats.items()) if conn.execute(_EXPIRE, {"key": key, "seen": seen}).rowcount]
        )

    # -- commands

    def add_command(self, command: Command) -> int:
        """See Store."""
        row = {name: value for name, value in command_row(command).items() if name != "number"}
        key = self.database.write(lambda conn: conn.execute(_ADD_COMMAND, row).inserted_primary_key)
        assert key is not None
        return int(key[0])

    def open_commands(self, limit: int) -> list[Command]:
        """See Store."""
        return self._records(row_command, _OPEN_COMMANDS, {"most": max(0, limit)})

    def latest_commands(self, before: int, limit: int) -> list[Command]:
        """See Store."""
        return self._records(row_command, _LATEST_COMMANDS, {"before": min(before or _BEYOND, _BEYOND), "most": max(0, limit)})

    def command(self, number: int) -> Command:
        """See Store."""
        for command in self._records(row_command, _COMMAND, {"key": number}):
            return command
        raise NotFound(f"there is no command {number}; `open_commands` lists those that wait")

    # -- switches

    def switches(self) -> list[Switch]:
        """See Store."""
        return self._records(row_switch, _SWITCHES, {})

    # -- output of attempts

    def append_output(self, pieces: Sequence[OutputPiece]) -> None:
        """See Store."""
        rows = [_values(piece_row(piece)) for piece in pieces]
        self.database.write(lambda conn: _PUT_OUTPUT(conn, rows))

    def output(self, uow_id: str) -> list[OutputPiece]:
        """See Store."""
        return self._records(row_piece, _OUTPUT, {"of": uow_id})

    # -- registered processes

    def processes(self) -> list[ProcessRow]:
        """See Store."""
        return self._records(row_process, _PROCESSES, {})

    def contexts(self) -> list[ContextRow]:
        """See Store."""
        return self._records(row_context, _CONTEXTS, {})

    def _records(self, record: Callable[[Mapping[str, Any]], T], statement: sa.Select[Any], wanted: dict[str, Any]) -> list[T]:
        rows = self.database.read(lambda conn: conn.execute(statement, wanted).all())
        names = statement.selected_columns.keys()
        return [record(dict(zip(names, row, strict=True))) for row in rows]


def _close(conn: sa.Connection, ids: Sequence[str]) -> None:
    _CLOSE(conn, [(0, key) for key in ids])


def _values(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what a row's columns get; a bool as a number, as PostgreSQL takes no truth for one."""
    return kept(tuple([int(value) if value.__class__ is bool else value for value in row.values()]))
