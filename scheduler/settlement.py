"""What does a unit of work's state mean for its job? Failures, losses, cancels and ends, as values.

Pure: a job, its unit of work as just read, and the time in; what to remember out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from db.model import Job, UnitOfWork, UowMove
from system.context import FreerunProcess, ManagedProcess
from system.lifecycle import JOB_LIFECYCLE, UOW_FINISHED, UOW_LIFECYCLE, JobEvent, JobState, UowEvent, UowState, advance
from system.records import lean, replace
from system.retry import backoff_s, is_used_up


@lean
@dataclass(frozen=True, slots=True)
class Settlement:
    """What follows: the job as it stands now (None: unchanged) and a move of the unit of work (None: none).

    `uow_state` is the state the unit of work will have after the move.
    """

    uow_state: UowState
    job: Job | None = None
    move: UowMove | None = None


def settle(
    job: Job, uow: UnitOfWork, process: ManagedProcess | FreerunProcess, *, is_void: bool, max_losses: int, now: datetime, turn: int
) -> Settlement | None:
    """Return what follows from a unit of work as it was just read; None where it runs. `is_void`: IN_PROGRESS, and its session is gone."""
    if uow.state in UOW_FINISHED:
        return ended(job, uow, now=now, turn=turn)
    if uow.state is UowState.INVALID:
        return failed(job, uow, process, now=now, turn=turn)
    if uow.state is UowState.REQUESTED:
        return waiting(uow)
    return lost(job, uow, max_losses=max_losses, now=now, turn=turn) if is_void else None


def ended(job: Job, uow: UnitOfWork, *, now: datetime, turn: int) -> Settlement:
    """Return the job after its unit of work finished. A reprocess that waited for it is carried out now, whatever the outcome was;
    a cancel only where nothing else was written first: an earlier outcome wins.
    """
    next_event = None if job.next_event is JobEvent.SKIPPED and uow.state is not UowState.CANCELED else job.next_event
    done = replace(
        job,
        uow_state=uow.state,
        fence=uow.fence,
        failures=uow.failures,
        failing_since=None,  # else a second run would be given up on its first failure, days after the first one's
        retry_at=None,
        held="",
        reason=job.reason if next_event else uow.reason,
        next_event=None,
        good_runs=job.good_runs + (uow.state is UowState.PROCESSED),
        covered=job.covered if uow.state is UowState.CANCELED else uow.slice,
        changed_at=now,
        turn=turn,
    )
    if next_event is JobEvent.REOPENED:
        done = reopened(done, now=now, turn=turn)
    elif next_event is not None:
        done = replace(done, state=advance(JOB_LIFECYCLE, job.state, next_event))
    return Settlement(uow.state, done)


def reopened(job: Job, *, now: datetime, turn: int, reason: str = "") -> Job:
    """Return `job` as it starts anew: EMBRYO, the next generation, no unit of work; the fence goes on."""
    return Job(
        job.process,
        job.timeperiod,
        advance(JOB_LIFECYCLE, job.state, JobEvent.REOPENED),
        now,
        turn,
        generation=job.generation + 1,
        fence=job.fence,
        reason=reason or job.reason,
    )


def failed(job: Job, uow: UnitOfWork, process: ManagedProcess | FreerunProcess, *, now: datetime, turn: int) -> Settlement:
    """Return what follows from an INVALID unit of work: the next attempt's time, or the end of all attempts."""
    if uow.cancel_requested:
        return _called_off(uow)
    if job.held or (job.failures == uow.failures and job.retry_at is not None):
        return Settlement(UowState.INVALID)
    since = job.failing_since or now
    base = replace(job, uow_state=uow.state, failures=uow.failures, failing_since=since, reason=uow.reason, changed_at=now, turn=turn)
    if not is_used_up(uow.failures, process.max_attempts, (now - since).total_seconds(), process.life_support_hours):
        wait_s = backoff_s(uow.failures, process.backoff_s, uow.id)
        return Settlement(UowState.INVALID, replace(base, retry_at=now + timedelta(seconds=wait_s)))
    reason = f"{uow.failures} {'attempt' if uow.failures == 1 else 'attempts'} failed, last: {uow.reason}"
    # What earlier runs have made is there already: whether to give that up is for a person to say.
    if process.on_failure == "hold" or (job.state is JobState.FINAL_RUN and job.good_runs):
        return Settlement(UowState.INVALID, replace(base, held=reason, reason=reason))
    move = UowMove(uow.id, UowState.INVALID, UowEvent.GIVEN_UP, uow.fence, uow.losses, reason)
    after = advance(UOW_LIFECYCLE, UowState.INVALID, UowEvent.GIVEN_UP)
    return Settlement(after, replace(base, uow_state=after, fence=uow.fence, reason=f"failed: {reason}"), move)


def lost(job: Job, uow: UnitOfWork, *, max_losses: int, now: datetime, turn: int) -> Settlement:
    """Return what follows from a claim whose session is gone: due again at once, held when that happened too often.

    One that is called off is never held: it ends as soon as nobody has it.
    """
    losses = uow.losses + 1
    if losses <= max_losses or uow.cancel_requested:
        move = UowMove(uow.id, UowState.IN_PROGRESS, UowEvent.LOST, uow.fence, losses, f"worker of session {uow.session} was lost")
        return Settlement(UowState.REQUESTED, None, move)
    held = f"its worker was lost {losses} times, last session {uow.session}"
    move = UowMove(uow.id, UowState.IN_PROGRESS, UowEvent.LOST_TOO_OFTEN, uow.fence, losses, held)
    after = advance(UOW_LIFECYCLE, UowState.IN_PROGRESS, UowEvent.LOST_TOO_OFTEN)
    return Settlement(after, replace(job, uow_state=after, held=held, reason=held, changed_at=now, turn=turn), move)


def retried(job: Job, fence: int, losses: int, *, now: datetime, turn: int) -> Settlement:
    """Return what makes the next attempt due now."""
    move = UowMove(job.uow_id, UowState.INVALID, UowEvent.RETRIED, fence, losses, job.reason)
    after = advance(UOW_LIFECYCLE, UowState.INVALID, UowEvent.RETRIED)
    return Settlement(after, replace(job, uow_state=after, retry_at=None, changed_at=now, turn=turn), move)


def waiting(uow: UnitOfWork) -> Settlement:
    """Return what follows from a REQUESTED unit of work: nothing, unless it is called off and nobody holds it."""
    return _called_off(uow) if uow.cancel_requested else Settlement(UowState.REQUESTED)


def _called_off(uow: UnitOfWork) -> Settlement:
    move = UowMove(uow.id, uow.state, UowEvent.CANCELED, uow.fence, uow.losses, uow.reason)
    return Settlement(uow.state, None, move)


def is_operators_skip(job: Job) -> bool:
    """Return whether an operator skipped this job: it is reopened only by a command that names it."""
    return job.state is JobState.SKIPPED and job.reason.startswith("operator")
