"""How is a record written down? Pure conversions between records and what a backend can keep: texts, rows of plain values.

A turn becomes one compact JSON text: a version number in front, records as lists by position (this is the hot path, so every list is
written by hand). A later version only adds: fields at a list's end, and kinds of records by name in the last, an object; so a text of an
older one is one with less in it. Every other record becomes a row: a dict of its fields as plain values (int, float, bool, str, bytes,
None), moments as ISO texts, states by value, events by name, `queues` and `facts` of a session as JSON text. A row may hold more
columns than that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, TypeVar

from db.contexts import read_contexts, write_contexts
from db.entries import read_entries, write_entries
from db.event_text import read_events, write_events
from db.model import (
    Answer,
    Cancel,
    Chunk,
    Command,
    CommandState,
    Event,
    Job,
    Outcome,
    OutputPiece,
    ProcessRow,
    Session,
    Switch,
    Turn,
    UnitOfWork,
    UowMove,
    Widening,
)
from db.storable import storable
from system.errors import SchemaError, StoreError
from system.lifecycle import UOW_LIFECYCLE, JobEvent, JobState, UowEvent, UowState, advance

TURN_VERSION = 2

Row = dict[str, Any]
Record = TypeVar("Record")

# Escaped to ASCII: a job may print half a surrogate pair, and its reason must not make a turn that can't be stored.
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode

# Calling an enum costs three times as much as looking its member up.
_JOB_STATES = {state.value: state for state in JobState}
_UOW_STATES = {state.value: state for state in UowState}
_COMMAND_STATES = {state.value: state for state in CommandState}
_JOB_EVENTS = {event.name: event for event in JobEvent}
_UOW_EVENTS = {event.name: event for event in UowEvent}

# What the interpreter raises where a text or a row has not the shape that we wrote.
_DAMAGE = (LookupError, ValueError, TypeError, AttributeError, RecursionError)


# How many fields a list of version 1 has.
_JOB_1, _UOW_1 = 17, 18


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of records that few turns hold: how a turn's tuple of them is written, and read."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


# By the name of the turn's field. The written name may never change.
_RARE: dict[str, _Kind] = {
    "entries": _Kind(write_entries, read_entries),
    "events": _Kind(write_events, read_events),
    "widenings": _Kind(
        lambda widenings: [(w.uow_id, w.fence, w.slice) for w in widenings],
        lambda found: tuple([Widening(*values) for values in found]),
    ),
    "switches": _Kind(
        lambda switches: [list(switch_row(switch).values()) for switch in switches],
        lambda found: tuple([_switch_of(values) for values in found]),
    ),
    "registered": _Kind(
        lambda rows: [list(process_row(row).values()) for row in rows],
        lambda found: tuple([_process_of(values) for values in found]),
    ),
    "contexts": _Kind(write_contexts, read_contexts),
}


# -- turns


def encode_turn(turn: Turn) -> str:
    """Return `turn` as one line of ASCII text; raises StoreError for a moment without a time zone."""
    return _encode(
        [
            TURN_VERSION,
            turn.number,
            turn.session,
            moment_text(turn.decided_at),
            [job_values(job) for job in turn.jobs],
            [uow_values(uow) for uow in turn.opened],
            [(m.uow_id, m.before.value, m.event.name, m.fence, m.losses, m.reason) for m in turn.moves],
            [(cancel.uow_id, cancel.reason) for cancel in turn.cancels],
            turn.lost,
            [(answer.number, answer.state.value, answer.text) for answer in turn.answers],
            {name: kind.write(found) for name, kind in _RARE.items() if (found := getattr(turn, name))},
        ]
    )


def decode_turn(text: str) -> Turn:
    """Return the turn that `encode_turn` wrote; raises SchemaError for a newer version and StoreError for a damaged text."""
    try:
        version, *values = json.loads(text)
        if type(version) is int and 1 <= version <= TURN_VERSION:
            return _turn_of(values)
    except _DAMAGE as error:
        raise StoreError(f"a turn's record is damaged ({error!r}): {text!r:.120}; restore the store from a backup") from error
    if isinstance(version, int) and version > TURN_VERSION:
        raise SchemaError(f"a turn's record has version {version}, this reads up to {TURN_VERSION}: run a newer Horarium ({text!r:.60})")
    raise StoreError(f"a turn's record is damaged (version {version!r}): {text!r:.120}; restore the store from a backup")


def _turn_of(values: Sequence[Any]) -> Turn:
    number, session, decided_at, jobs, opened, moves, cancels, lost, answers, *rest = values
    rare = {name: _RARE[name].read(found) for name, found in rest[0].items()} if rest else {}
    return Turn(
        number,
        session,
        _moment(decided_at),
        tuple([_job_of(job) for job in jobs]),
        tuple([_uow_of(uow) for uow in opened]),
        tuple([_move_of(move) for move in moves]),
        tuple([Cancel(uow_id, reason) for uow_id, reason in cancels]),
        tuple(lost),
        tuple([Answer(number, _COMMAND_STATES[state], text) for number, state, text in answers]),
        **rare,
    )


def _move_of(values: Sequence[Any]) -> UowMove:
    uow_id, before, event, fence, losses, reason = values
    return UowMove(uow_id, _UOW_STATES[before], _UOW_EVENTS[event], fence, losses, reason)


# -- jobs


def job_row(job: Job) -> Row:
    """Return the row of a job."""
    return dict(zip(JOB_COLUMNS, job_values(job), strict=True))


def row_job(row: Mapping[str, Any]) -> Job:
    """Return the job that a row holds; raises StoreError for a damaged one."""
    return _read("job", row, _job_columns, _job_of)


def job_values(job: Job) -> tuple[Any, ...]:
    """Return what `job_row` holds, in the order of JOB_COLUMNS."""
    return (
        job.process,
        job.timeperiod,
        job.state.value,
        moment_text(job.changed_at),
        job.turn,
        job.generation,
        job.run,
        job.fence,
        job.uow_state and job.uow_state.value,
        job.opened_turn,
        job.inputs_turn,
        job.failures,
        job.failing_since and moment_text(job.failing_since),
        job.retry_at and moment_text(job.retry_at),
        job.held,
        job.reason,
        job.next_event and job.next_event.name,
        job.again_at and moment_text(job.again_at),
        job.good_runs,
        job.covered,
    )


def _job_of(values: Sequence[Any]) -> Job:
    if len(values) == _JOB_1:
        values = [*values, None, 0, ""]
    (
        process, timeperiod, state, changed_at, turn, generation, run, fence, uow_state, opened_turn, inputs_turn, failures,
        failing_since, retry_at, held, reason, next_event, again_at, good_runs, covered,
    ) = values
    return Job(
        process,
        timeperiod,
        _JOB_STATES[state],
        _moment(changed_at),
        turn,
        generation,
        run,
        fence,
        None if uow_state is None else _UOW_STATES[uow_state],
        opened_turn,
        inputs_turn,
        failures,
        None if failing_since is None else _moment(failing_since),
        None if retry_at is None else _moment(retry_at),
        held,
        reason,
        None if next_event is None else _JOB_EVENTS[next_event],
        None if again_at is None else _moment(again_at),
        good_runs,
        covered,
    )


# -- units of work


def uow_row(uow: UnitOfWork) -> Row:
    """Return the row of a unit of work."""
    return dict(zip(UOW_COLUMNS, uow_values(uow), strict=True))


def row_uow(row: Mapping[str, Any]) -> UnitOfWork:
    """Return the unit of work that a row holds; raises StoreError for a damaged one."""
    return _read("unit of work", row, _uow_columns, _uow_of)


def read_uows(rows: Sequence[Sequence[Any]]) -> list[UnitOfWork]:
    """Return the units of work of rows in the order of UOW_COLUMNS; raises StoreError for a damaged one."""
    try:
        return [_uow_of(row) for row in rows]
    except _DAMAGE:  # read again, to say which
        return [row_uow(dict(zip(UOW_COLUMNS, row, strict=False))) for row in rows]


def uow_values(uow: UnitOfWork) -> tuple[Any, ...]:
    """Return what `uow_row` holds, in the order of UOW_COLUMNS."""
    return (
        uow.id,
        uow.process,
        uow.timeperiod,
        uow.queue,
        uow.start_timeperiod,
        uow.end_timeperiod,
        moment_text(uow.opened_at),
        uow.turn,
        uow.state.value,
        uow.fence,
        uow.session,
        uow.failures,
        uow.losses,
        uow.cancel_requested,
        uow.rows,
        uow.reason,
        uow.started_at and moment_text(uow.started_at),
        uow.finished_at and moment_text(uow.finished_at),
        uow.slice,
        uow.arguments,
        uow.runs_as,
    )


def _uow_of(values: Sequence[Any]) -> UnitOfWork:
    if len(values) == _UOW_1:
        values = [*values, "", "", ""]
    (
        uow_id, process, timeperiod, queue, start_timeperiod, end_timeperiod, opened_at, turn, state, fence, session, failures, losses,
        cancel_requested, rows, reason, started_at, finished_at, source_slice, arguments, runs_as,
    ) = values
    return UnitOfWork(
        uow_id,
        process,
        timeperiod,
        queue,
        start_timeperiod,
        end_timeperiod,
        _moment(opened_at),
        turn,
        _UOW_STATES[state],
        fence,
        session,
        failures,
        losses,
        bool(cancel_requested),
        rows,
        reason,
        None if started_at is None else _moment(started_at),
        None if finished_at is None else _moment(finished_at),
        source_slice,
        arguments,
        runs_as,
    )


def outcome_row(outcome: Outcome) -> Row:
    """Return the columns of a unit of work that an outcome sets; raises IllegalTransition for an event that is no outcome."""
    return {
        "state": advance(UOW_LIFECYCLE, UowState.IN_PROGRESS, outcome.event).value,
        "failures": outcome.failures,
        "rows": outcome.rows,
        "reason": storable(outcome.reason),
        "finished_at": moment_text(outcome.at),
    }


# -- commands


def command_row(command: Command) -> Row:
    """Return the row of a command."""
    return {**_plain(command), "given_at": moment_text(command.given_at), "state": command.state.value}


def row_command(row: Mapping[str, Any]) -> Command:
    """Return the command that a row holds; raises StoreError for a damaged one."""
    return _read("command", row, _command_columns, _command_of)


def _command_of(values: Sequence[Any]) -> Command:
    verb, process, timeperiod, who, why, given_at, until, number, state, answer, turn, details = values
    return Command(verb, process, timeperiod, who, why, _moment(given_at), until, number, _COMMAND_STATES[state], answer, turn, details)


# -- switches


def switch_row(switch: Switch) -> Row:
    """Return the row of a switch."""
    frequency_at = switch.frequency_at and moment_text(switch.frequency_at)
    return {**_plain(switch), "is_on": int(switch.is_on), "at": moment_text(switch.at), "frequency_at": frequency_at}


def row_switch(row: Mapping[str, Any]) -> Switch:
    """Return the switch that a row holds; raises StoreError for a damaged one."""
    return _read("switch", row, _switch_columns, _switch_of)


def _switch_of(values: Sequence[Any]) -> Switch:
    process, is_on, at, turn, who, why, waits_from, frequency, by, because, since, missed = values
    return Switch(
        process, bool(is_on), _moment(at), turn, who, why, waits_from, frequency, by, because, since and _moment(since), missed
    )


# -- sessions


def session_row(session: Session) -> Row:
    """Return the row of a session; whether it is open is the backend's own column."""
    opened_at = moment_text(session.opened_at)
    return {**_plain(session), "opened_at": opened_at, "queues": _encode(session.queues), "facts": facts_text(session.facts)}


def facts_text(facts: Mapping[str, str]) -> str:
    """Return a session's facts as its row holds them."""
    return _encode(dict(facts))


def row_session(row: Mapping[str, Any]) -> Session:
    """Return the session that a row holds; raises StoreError for a damaged one."""
    return _read("session", row, _session_columns, _session_of)


def _session_of(values: Sequence[Any]) -> Session:
    session_id, kind, box, pid, created_s, opened_at, beat, slots, queues, facts = values
    return Session(
        session_id, kind, box, pid, created_s, _moment(opened_at), beat, slots, tuple(json.loads(queues)), dict(json.loads(facts))
    )


# -- chunks, output, registered processes


def chunk_row(chunk: Chunk) -> Row:
    """Return the row of a chunk; `states` stays bytes."""
    return _plain(chunk)


def row_chunk(row: Mapping[str, Any]) -> Chunk:
    """Return the chunk that a row holds; raises StoreError for a damaged one."""
    return _read("chunk", row, _chunk_columns, _chunk_of)


def _chunk_of(values: Sequence[Any]) -> Chunk:
    process, number, first, states, turn = values
    # A driver may hand bytes over as its own kind of buffer; bytes(5) would be five EMBRYOs, not an error.
    if isinstance(states, (int, str)):
        raise TypeError(f"states are bytes, not {states!r:.40}")
    return Chunk(process, number, first, bytes(states), turn)


def piece_row(piece: OutputPiece) -> Row:
    """Return the row of a piece of output."""
    return _plain(piece)


def row_piece(row: Mapping[str, Any]) -> OutputPiece:
    """Return the piece of output that a row holds; raises StoreError for a damaged one."""
    return _read("piece of output", row, _piece_columns, lambda values: OutputPiece(*values))


def event_row(event: Event) -> Row:
    """Return the row of an event."""
    return {**_plain(event), "at": moment_text(event.at)}


def row_event(row: Mapping[str, Any]) -> Event:
    """Return the event that a row holds; raises StoreError for a damaged one."""
    return _read("event", row, _event_columns, _event_of)


def _event_of(values: Sequence[Any]) -> Event:
    process, timeperiod, turn, place, at, kind, who, text = values
    return Event(process, timeperiod, turn, place, _moment(at), kind, who, text)


def process_row(process: ProcessRow) -> Row:
    """Return the row of a registered process."""
    retired_at = process.retired_at and moment_text(process.retired_at)
    return {**_plain(process), "registered_at": moment_text(process.registered_at), "retired_at": retired_at}


def row_process(row: Mapping[str, Any]) -> ProcessRow:
    """Return the registered process that a row holds; raises StoreError for a damaged one."""
    return _read("registered process", row, _process_columns, _process_of)


def _process_of(values: Sequence[Any]) -> ProcessRow:
    name, start, shape, registered_at, turn, retired_at, reopen = values
    return ProcessRow(name, start, shape, _moment(registered_at), turn, retired_at and _moment(retired_at), reopen)


# -- what all of them share


def _columns(record: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(record))


JOB_COLUMNS = _columns(Job)
UOW_COLUMNS = _columns(UnitOfWork)

_job_columns = itemgetter(*JOB_COLUMNS)
_uow_columns = itemgetter(*UOW_COLUMNS)
_command_columns = itemgetter(*_columns(Command))
_switch_columns = itemgetter(*_columns(Switch))
_session_columns = itemgetter(*_columns(Session))
_chunk_columns = itemgetter(*_columns(Chunk))
_event_columns = itemgetter(*_columns(Event))
_piece_columns = itemgetter(*_columns(OutputPiece))
_process_columns = itemgetter(*_columns(ProcessRow))


def _plain(record: Any) -> Row:
    values = ((name, getattr(record, name)) for name in _columns(type(record)))
    return {name: storable(value) if isinstance(value, str) else value for name, value in values}


def _read(
    kind: str, row: Mapping[str, Any], columns: Callable[[Mapping[str, Any]], Any], record: Callable[[Sequence[Any]], Record]
) -> Record:
    try:
        return record(columns(row))
    except _DAMAGE as error:
        raise StoreError(f"the record of a {kind} is damaged ({error!r}): {dict(row)!r:.200}; restore the store from a backup") from error


def moment_text(moment: datetime) -> str:
    """Return a moment as rows hold it; raises StoreError where it has no time zone."""
    if moment.tzinfo is None:
        raise StoreError(f"{moment!r} has no time zone and can't be stored: moments are aware, in UTC")
    return _utc_text(moment) if moment.tzinfo is UTC else moment.isoformat()


@lru_cache(maxsize=256)  # all that a turn writes is of one moment
def _utc_text(moment: datetime) -> str:
    return moment.isoformat()


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment
