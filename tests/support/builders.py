"""How does a test get a record without naming what it is not about? Builders: every field has a sensible default."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from db.entries import Entry
from db.model import Chunk, Command, Job, Outcome, ProcessRow, Session, Switch, Turn, UnitOfWork
from system.lifecycle import JobState, UowEvent

NOW = datetime(2024, 1, 1, 12, 30, tzinfo=UTC)
PROCESS = "flights_hourly"
PERIOD = "2024010105"
UOW_ID = f"{PROCESS}/{PERIOD}/1/1"


def job(timeperiod: str = PERIOD, state: JobState = JobState.IN_PROGRESS, **fields: Any) -> Job:
    """Return a job of `flights_hourly` as turn 1 left it."""
    return replace(Job(PROCESS, timeperiod, state, changed_at=NOW, turn=1), **fields)


def uow(uow_id: str = UOW_ID, **fields: Any) -> UnitOfWork:
    """Return a requested unit of work, opened by turn 1; process and timeperiod come from the id where it names them."""
    process, period = (*uow_id.split("/"), PERIOD)[:2] if "/" in uow_id else (PROCESS, PERIOD)
    made = UnitOfWork(
        uow_id, process, period, queue="queue_flights_hourly", start_timeperiod=period, end_timeperiod=period, opened_at=NOW, turn=1
    )
    return replace(made, **fields)


def entry(name: str = "night", **fields: Any) -> Entry:
    """Return a freerun entry of process `load` as turn 1 left it."""
    return replace(Entry("load", name, turn=1, since=NOW), **fields)


def turn(number: int = 1, **fields: Any) -> Turn:
    """Return an empty turn of session `scheduler-1`; sequences may be given as lists."""
    lists: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    return replace(Turn(number, session="scheduler-1", decided_at=NOW), **lists)


def session(session_id: str = "worker-1", **fields: Any) -> Session:
    """Return the session of a worker with two slots on box `box-1`."""
    made = Session(
        session_id, "worker", "box-1", pid=4711, created_s=1.7e9, opened_at=NOW, slots=2, queues=("queue_flights_hourly",)
    )
    return replace(made, **fields)


def outcome(claimed: UnitOfWork, event: UowEvent = UowEvent.DONE, **fields: Any) -> Outcome:
    """Return how `claimed` ended, as its owner says it."""
    return replace(Outcome(claimed.id, claimed.session, claimed.fence, event, at=NOW, failures=claimed.failures), **fields)


def command(verb: str = "reprocess", **fields: Any) -> Command:
    """Return an open command without a number."""
    return replace(Command(verb, PROCESS, PERIOD, who="ann", why="late data", given_at=NOW), **fields)


def switch(process: str = PROCESS, **fields: Any) -> Switch:
    """Return the switch of a process that ann switched off in turn 1."""
    made = Switch(process, is_on=False, at=NOW, turn=1, who="ann", why="the source is down", waits_from="2024010112")
    return replace(made, **fields)


def chunk(number: int = 24288, states: bytes = b"\3\3\0\4", **fields: Any) -> Chunk:
    """Return the states of a month of hours as turn 1 left them."""
    return replace(Chunk(PROCESS, number, first=17_700_000, states=states, turn=1), **fields)


def process_row(name: str = PROCESS, **fields: Any) -> ProcessRow:
    """Return the row of a process that was registered now."""
    return replace(ProcessRow(name, start="2024010100", shape="{}", registered_at=NOW), **fields)
