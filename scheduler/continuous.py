"""What is owed to a job of a continuous process: a run every so often while its period is open, and a final one after that?

Pure: values in, a decision out. Semantics: REFERENCE 1.3 and 1.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from db.model import Job
from scheduler.blockers import Blocker
from scheduler.decisions import (
    CLOSING,
    Close,
    Decision,
    Input,
    Occasion,
    Open,
    Revert,
    Wait,
    before_work,
    gate,
    held,
    missing,
    running,
    unfinished,
)
from system.lifecycle import UOW_FINISHED, JobEvent, JobState, UowState

_ONE_MORE = Open(JobEvent.OPENED)
_FINAL = Open(JobEvent.FINAL)


def decide(job: Job | None, inputs: Sequence[Input], blocking_type: str, occasion: Occasion) -> Decision:
    """Return what a job is owed whose period has begun. `job` is None while it is an untouched EMBRYO."""
    if job is not None and job.held:
        return held(job)
    is_whole = not missing(inputs)
    is_final = occasion.is_closed and is_whole
    if job is None or job.state is JobState.EMBRYO:
        return _before_work(job, inputs, blocking_type, occasion, is_final=is_final)
    if job.state is JobState.FINAL_RUN and not is_whole:
        return Revert()
    if job.uow_state not in UOW_FINISHED:
        return running(job)
    if job.state is JobState.FINAL_RUN:
        return _after_final_run(job)
    if is_final:
        return _FINAL
    blockers = unfinished(gate(inputs, blocking_type))
    if blockers:
        return Wait(blockers)
    return _each_time(job, occasion)


def _before_work(
    job: Job | None, inputs: Sequence[Input], blocking_type: str, occasion: Occasion, *, is_final: bool
) -> Decision:
    if job is not None and job.generation > 1 and occasion.is_closed and not is_final and blocking_type == "blocking_normal":
        # Whoever starts anew after its period has closed runs after what it is made of, whatever its type: once, and in order.
        return Wait(unfinished(inputs))
    decision = before_work(inputs, blocking_type)
    if not isinstance(decision, Open):
        return decision
    if is_final:
        return _FINAL
    if occasion.first_at is not None and occasion.first_at > occasion.now:
        return _until(occasion.first_at, "its period is open, its first run is due", occasion, None)
    return _ONE_MORE


def _each_time(job: Job, occasion: Occasion) -> Decision:
    """Return the next run of a job that can't be finished yet, or the wait for its time."""
    if job.again_at is None or job.again_at <= occasion.now:
        return _ONE_MORE
    said = f"its period is {'closed' if occasion.is_closed else 'open'}, run {job.run + 1} is due"
    return _until(job.again_at, said, occasion, job.changed_at)


def _until(moment: datetime, said: str, occasion: Occasion, since: datetime | None) -> Wait:
    text = f"{said} at {moment:%Y-%m-%d %H:%M:%SZ}"
    return Wait((Blocker("frequency", text, occasion.process, occasion.timeperiod, since, "nothing: it will run then"),), moment)


def _after_final_run(job: Job) -> Decision:
    if job.uow_state is UowState.CANCELED:
        return Close(JobEvent.SKIPPED, job.reason)
    if job.inputs_turn > job.opened_turn:
        return Revert()  # an input was settled after the run had begun: one more run takes it in
    assert job.uow_state is not None
    return Close(CLOSING[job.uow_state], job.reason)
