"""What is owed to a job of a recomputing process: a run over what is new in its source, and a final one over all of it?

Like continuous, but for what the source says. Pure: values in, a decision out. Semantics: REFERENCE 1.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from db.model import Job
from db.source import Extent
from scheduler import continuous
from scheduler.blockers import Blocker
from scheduler.decisions import Ask, Close, Decision, Input, Occasion, Open, Postpone, Wait, Widen
from scheduler.slices import covered_by, is_whole, new_part, slice_text
from system.lifecycle import JobEvent, JobState, UowState

_SOURCE = "its source"
AWAY = f"{_SOURCE} is away: "
_AWAY = timedelta(seconds=30)


def decide(job: Job | None, inputs: Sequence[Input], blocking_type: str, occasion: Occasion) -> Decision:
    """Return what a job is owed whose period has begun. `job` is None while it is an untouched EMBRYO."""
    decision = continuous.decide(job, inputs, blocking_type, occasion)
    is_final = isinstance(decision, Open) and decision.event is JobEvent.FINAL
    is_due = isinstance(decision, Open) or (isinstance(decision, Wait) and decision.until is not None)
    # A final run is not held back by the frequency, but it can't do without the source.
    if job is not None and is_due and (until := _put_off_until(job, is_final=is_final)) and until > occasion.now:
        return _put_off(job, until)
    if job is not None and occasion.slice and job.state is JobState.IN_PROGRESS:
        return _meanwhile(job, occasion, decision)
    if not isinstance(decision, Open):
        return decision
    probed = occasion.probed
    if probed is None or (is_final and not probed.question.is_closed):
        return Ask((Blocker("source", "its source is being asked for new rows", occasion.process, occasion.timeperiod),))
    if probed.error:
        return Postpone(AWAY + probed.error, occasion.now + _AWAY)
    return _final(job, probed.extent) if is_final else _one_more(job, probed.extent, occasion)


def _meanwhile(job: Job, occasion: Occasion, decision: Decision) -> Decision:
    """Return what is owed to a job whose unit of work nobody has claimed yet, each time that it would run again."""
    if job.again_at is None or occasion.again_at is None:
        return decision
    if job.again_at > occasion.now:
        return replace(decision, until=job.again_at) if isinstance(decision, Wait) else decision
    probed = occasion.probed
    if probed is None:
        return Ask((Blocker("source", "its source is being asked for new rows", occasion.process, occasion.timeperiod),))
    if probed.error or probed.extent is None or probed.extent == covered_by(occasion.slice):
        return Widen(occasion.slice, occasion.again_at)
    return Widen(new_part(probed.extent, covered_by(job.covered)), occasion.again_at)


def _put_off_until(job: Job, *, is_final: bool) -> datetime | None:
    """Return when the source of a job is asked again that was put off by its answer; None where it was not."""
    if job.again_at is None or not job.reason.startswith(AWAY if is_final else _SOURCE):
        return None
    # Another schedule, given meanwhile, has moved `again_at` to its own next moment, maybe days away: only runs in between go by that.
    is_owed = job.reason.startswith(AWAY) and (is_final or job.state is JobState.EMBRYO)
    return min(job.again_at, job.changed_at + _AWAY) if is_owed else job.again_at


def _put_off(job: Job, until: datetime) -> Wait:
    text = f"{job.reason}; it is asked again at {until:%Y-%m-%d %H:%M:%SZ}"
    return Wait((Blocker("source", text, job.process, job.timeperiod, job.changed_at, "the source of the process"),), until)


def _one_more(job: Job | None, extent: Extent | None, occasion: Occasion) -> Decision:
    covered = covered_by(job.covered) if job else None
    if extent is None or extent == covered:
        assert occasion.again_at is not None
        return Postpone(f"{_SOURCE} has no rows yet" if extent is None else f"{_SOURCE} has nothing new", occasion.again_at)
    return Open(JobEvent.OPENED, new_part(extent, covered))


def _final(job: Job | None, extent: Extent | None) -> Decision:
    covered = covered_by(job.covered) if job else None
    if extent is None and covered is None:
        return Close(JobEvent.NOOP, "its source has no rows")
    # A run over what is new knows nothing of a row that came in between, below the keys that were covered before it.
    is_same = job is not None and extent is not None and extent == covered and is_whole(job.covered)
    if job is not None and is_same and job.inputs_turn <= job.opened_turn:
        event = JobEvent.NOOP if job.uow_state is UowState.NOOP else JobEvent.PROCESSED
        return Close(event, "its source has nothing new since the last run")
    return Open(JobEvent.FINAL, slice_text(extent, None) if extent else "")
