"""What needs a person first, and what goes on? The lines of `launch.py status`, out of what is under way, never out of history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from db.entries import Entry
from db.model import Job, Session, UnitOfWork
from scheduler.audit_count import Counted
from scheduler.health import START, Stall
from scheduler.timetable import Timetable
from system.lifecycle import UOW_FINISHED, UowState

_GRAVITY = ("leader", "broker", "worker", "context", "audit", "held", "failing", "missed")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_LATELY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that needs a person. `kind` is one of those in `_GRAVITY`; `look` says what to press.

    `timeperiod` is the name of the entry where `process` is a freerun one.
    """

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


def needs(table: Timetable, sessions: Sequence[Session], stall: Stall | None, limit: int, more: Iterable[Need] = ()) -> Needs:
    """Return what needs a person: nothing is scheduled or done, a context is refused, jobs are held or fail, and `more` in its place."""
    jobs = [_of_job(job) for job in table.active.values() if job.held or job.failing_since]
    found = [*_of_sessions(sessions, stall), *more, *jobs]
    found.sort(key=lambda need: (_GRAVITY.index(need.kind), need.since or _LONG_AGO, need.process, need.timeperiod))
    return Needs(found[:limit], len(found))


def of_broker(fault: str) -> Iterator[Need]:
    """Yield that messages don't go, by what is known of it: whatever is due stays with the scheduler, and workers run dry."""
    if fault:
        yield Need("broker", "", "", None, fault, "launch.py doctor")


def of_queues(uows: Iterable[UnitOfWork], sessions: Iterable[Session]) -> Iterator[Need]:
    """Yield the queues in which some of `uows` wait and that no worker takes from, where there are workers at all."""
    workers = [session for session in sessions if session.kind == "worker"]
    taken = {queue for session in workers for queue in session.takes_from}
    waiting: dict[str, list[UnitOfWork]] = {}
    for uow in uows:
        if uow.state is UowState.REQUESTED and uow.queue not in taken:
            waiting.setdefault(uow.queue, []).append(uow)
    for queue, found in waiting.items() if workers else ():
        since, processes = min(uow.opened_at for uow in found), ", ".join(sorted({uow.process for uow in found}))
        text = f"no worker takes from {queue}, in which work waits: see present_on_boxes of {processes}"
        yield Need("worker", "", "", since, text, "launch.py query")


def of_audit(audit: Counted | None) -> Iterator[Need]:
    """Yield what the leader's count has found."""
    found = {kind: count for kind, count in audit.counts.items() if count} if audit else {}
    if audit and found:
        listed = ", ".join(f"{count:,} {kind}" for kind, count in found.items())
        yield Need("audit", "", "", None, f"{listed} among what finished in the last 24 hours, first {audit.first[0]}", "launch.py audit")


def of_entries(entries: Iterable[Entry], now: datetime) -> Iterator[Need]:
    """Yield the fires of freerun entries that are held, fail, or failed for good as the last one, and those lately missed and let go."""
    for entry in entries:
        if not entry.goes_by:
            continue  # it left the context: nobody can do anything about it
        place = entry.process, entry.name
        show = f"launch.py freerun show {entry.process} {entry.name}"
        for run in entry.runs:
            if run.held:
                look = f"launch.py freerun release {entry.process} {entry.name} --why TEXT"
                yield Need("held", *place, run.failing_since or run.opened_at, f"{run.fire}: {run.held}", look)
            elif run.failing_since:
                yield Need("failing", *place, run.failing_since, f"{run.fire}: {run.reason}", show)
        if entry.last_end == UowState.CANCELED.value and entry.last_reason.startswith("failed") and not entry.is_deleted:
            yield Need("failing", *place, entry.ended_at, f"its last fire, {entry.last_fire}, {entry.last_reason}", show)
        if entry.missed_until and now - entry.missed_until < _LATELY:
            text = f"fires up to {entry.missed_until:%Y-%m-%d %H:%M:%S}Z were missed and let go, {entry.missed:,} of them ever"
            yield Need("missed", *place, entry.missed_until, text, show)


def _of_sessions(sessions: Sequence[Session], stall: Stall | None) -> Iterable[Need]:
    if stall:
        yield Need("leader", "", "", stall.since, f"{stall.text}: nothing is scheduled", stall.look)
    if not any(session.kind == "worker" for session in sessions):
        yield Need("worker", "", "", None, "no worker runs: nothing is done", START)
    refused: dict[tuple[str, str], dict[str, None]] = {}
    for session in sorted(sessions, key=lambda session: (session.box, session.kind)):
        if text := session.facts.get("refused"):
            refused.setdefault((session.box, text.partition("\n")[0].rstrip(":")), {})[session.kind] = None
    for (box, first), who in refused.items():
        yield Need("context", "", "", None, f"{' and '.join(who)} on {box}: {first}", "launch.py context plan")


def _of_job(job: Job) -> Need:
    if job.held:
        look = f"launch.py job release {job.process} {job.timeperiod} --why TEXT"
        return Need("held", job.process, job.timeperiod, job.failing_since or job.changed_at, job.held, look)
    look = f"launch.py job log {job.process} {job.timeperiod}"
    return Need("failing", job.process, job.timeperiod, job.failing_since, job.reason, look)


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
