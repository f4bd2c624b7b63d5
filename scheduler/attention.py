"""What needs a person first, and what goes on? The lines of `launch.py status`, out of what is under way, never out of history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from db.entries import Entry, Run
from db.model import Job, ProcessRow, Session, UnitOfWork
from scheduler.timetable import Timetable
from system.lifecycle import UOW_FINISHED, UowState


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that needs a person. `kind` is one of leader, worker, context, held, failing; `look` says what to press."""

    kind: str
    process: str
    timeperiod: str
    since: datetime | None
    text: str
    look: str


@dataclass(frozen=True, slots=True)
class Needs:
    """The first of what needs a person, the gravest and oldest first, and how much it is in all."""

    first: list[Need]
    total: int


@dataclass(frozen=True, slots=True)
class Running:
    """One unit of work that a worker has, where, and since when."""

    uow: str
    box: str
    since: datetime | None


def needs(table: Timetable, entries: Iterable[Entry], sessions: Sequence[Session], leader: str, limit: int) -> Needs:
    """Return what needs a person: nobody leads or works, a context is refused, jobs or runs of freerun entries are held or fail."""
    first = [*_of_sessions(sessions, leader)]
    found = [_of_job(job) for job in table.active.values() if job.held or job.failing_since]
    found += [_of_run(entry, run) for entry in entries if entry.goes_by for run in entry.runs if run.held or run.failing_since]
    found.sort(key=lambda need: (need.kind != "held", str(need.since), need.process, need.timeperiod))
    return Needs([*first, *found][:limit], len(first) + len(found))


def _of_sessions(sessions: Sequence[Session], leader: str) -> Iterable[Need]:
    if not leader:
        yield Need("leader", "", "", None, "no scheduler leads: nothing is scheduled", "launch.py up")
    if not any(session.kind == "worker" for session in sessions):
        yield Need("worker", "", "", None, "no worker runs: nothing is done", "launch.py up")
    for session in sessions:
        if text := session.facts.get("refused"):
            first = text.partition("\n")[0].rstrip(":")
            yield Need("context", "", "", None, f"{session.kind} on {session.box}: {first}", "launch.py context plan")


def _of_job(job: Job) -> Need:
    if job.held:
        look = f"launch.py job release {job.process} {job.timeperiod} --why TEXT"
        return Need("held", job.process, job.timeperiod, job.failing_since or job.changed_at, job.held, look)
    look = f"launch.py job log {job.process} {job.timeperiod}"
    return Need("failing", job.process, job.timeperiod, job.failing_since, job.reason, look)


def _of_run(entry: Entry, run: Run) -> Need:
    since = run.failing_since or run.opened_at
    if run.held:
        look = f"launch.py freerun release {entry.process} {entry.name} --why TEXT"
        return Need("held", entry.title, run.fire, since, run.held, look)
    return Need("failing", entry.title, run.fire, since, run.reason, f"launch.py freerun show {entry.process} {entry.name}")


def under_way(table: Timetable, limit: int) -> list[str]:
    """Return the ids of at most `limit` units of work that are not finished, as the last turn knows them; those opened first come first."""
    found = [job for job in table.active.values() if job.uow_state is not None and job.uow_state not in UOW_FINISHED and not job.held]
    found.sort(key=lambda job: (job.opened_turn, job.process, job.timeperiod))
    return [job.uow_id for job in found[:limit]]


def running(uows: Iterable[UnitOfWork], sessions: Mapping[str, Session]) -> list[Running]:
    """Return those of `uows` that a worker has, longest first."""
    found = [uow for uow in uows if uow.state is UowState.IN_PROGRESS and uow.session in sessions]
    found.sort(key=lambda uow: (str(uow.started_at), uow.id))
    return [Running(uow.id, sessions[uow.session].box, uow.started_at) for uow in found]


def retired(registered: Iterable[ProcessRow], known: Iterable[str]) -> list[ProcessRow]:
    """Return the processes that were registered and are not in the context, by name."""
    names = set(known)
    return sorted((row for row in registered if row.name not in names), key=lambda row: row.name)
