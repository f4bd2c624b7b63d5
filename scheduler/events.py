"""What has happened to a job? Its log, out of what its records tell and of the events that turns keep beside them.

Of a plain life nothing is kept: requested, started and ended stand in the unit of work, how it was settled in the job's record. What those
don't tell, or a later turn writes over, becomes an event. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from db.model import Event, Job, UnitOfWork
from system.lifecycle import JOB_FINISHED, UOW_FINISHED, JobState, UowState

SCHEDULER = "scheduler"
# What one turn did at one moment, in the order in which it did it; what an operator did is the cause of the rest.
_RANK = {"requested": 1, "started": 2, "ended": 3, "processed": 4, "noop": 4, "skipped": 4}


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of a job's log. `who` is an operator, a worker's session, or the scheduler; `turn` is 0 where no turn decided it."""

    at: datetime
    what: str
    who: str
    text: str
    turn: int = 0


def told(before: Job | None, after: Job) -> tuple[str, str] | None:
    """Return what a job's new record would not tell for long, as a kind and a text; None for the plain life of a job.

    `before` is None where the job had no record, or a finished one.
    """
    if after.state is JobState.EMBRYO and after.run == 0 and after.generation > (before.generation if before else 1):
        return "reopened", after.reason
    if before is None:
        return None
    if after.held and not before.held:
        return "held", after.held
    if after.failures > before.failures and after.uow_state in (UowState.INVALID, UowState.CANCELED):
        return "failed", f"{after.uow_id}: {after.reason}"
    if before.uow_state is UowState.INVALID and after.uow_state is UowState.REQUESTED and after.run == before.run:
        return "retried", after.uow_id
    if before.state is not after.state and JobState.FINAL_RUN in (before.state, after.state) and after.state not in JOB_FINISHED:
        return after.state.label.removeprefix("state_"), ""
    return None


def log_of(job: Job | None, uows: Iterable[UnitOfWork], events: Iterable[Event]) -> list[LogEntry]:
    """Return the log of a job, oldest first, from its record, its units of work and its events."""
    entries = [
        *(LogEntry(event.at, event.kind, event.who or SCHEDULER, event.text, event.turn) for event in events),
        *(entry for uow in uows for entry in _of_uow(uow)),
        *_of_job(job),
    ]
    # A worker's clock may differ a little: what it wrote is told by its own.
    return sorted(entries, key=lambda entry: (entry.at, _RANK.get(entry.what, 0)))


def _of_uow(uow: UnitOfWork) -> Iterator[LogEntry]:
    yield LogEntry(uow.opened_at, "requested", SCHEDULER, uow.id)
    if uow.started_at is not None:
        after = f", after {uow.failures} failure{'' if uow.failures == 1 else 's'}" if uow.failures else ""
        text = f"{uow.id}, fence {uow.fence}{after}"
        yield LogEntry(uow.started_at, "started", uow.session, text)
    # One that failed and waits for its next attempt was told of by the turn that saw it.
    if uow.finished_at is not None and uow.state in UOW_FINISHED:
        outcome = uow.state.value.removeprefix("state_")
        facts = [outcome, *([f"{uow.rows} rows"] if uow.rows is not None else []), *([uow.reason] if uow.reason else [])]
        yield LogEntry(uow.finished_at, "ended", uow.session, f"{uow.id}: {', '.join(facts)}")


def _of_job(job: Job | None) -> Sequence[LogEntry]:
    if job is None or job.state not in JOB_FINISHED:
        return ()
    return (LogEntry(job.changed_at, job.state.label.removeprefix("state_"), SCHEDULER, job.reason, job.turn),)
