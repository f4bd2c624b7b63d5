"""What is owed to a job of a discrete process: one unit of work, after its period has ended and its gate is open?

Pure: values in, a decision out. Semantics: REFERENCE 1.3 and 1.4.
"""

from __future__ import annotations

from collections.abc import Sequence

from db.model import Job
from scheduler.blockers import Blocker, said
from scheduler.decisions import CLOSING, Close, Decision, Input, Occasion, Open, Wait, before_work, held, missing, running, unfinished
from system.lifecycle import UOW_FINISHED, JobEvent, JobState, UowState


def decide(job: Job | None, inputs: Sequence[Input], blocking_type: str, occasion: Occasion | None = None) -> Decision:
    """Return what a due job is owed. `job` is None while it is an untouched EMBRYO. All occasions are the same to it, but for a job
    that another machine ran while its period was open.
    """
    if job is not None and job.held:
        return held(job)
    if job is None:
        return before_work(inputs, blocking_type)
    if job.state is JobState.EMBRYO:
        # Whoever starts anew runs after what it is made of, whatever its type: once, and in order. Who was but held or triggered does not.
        blockers = unfinished(inputs) if blocking_type == "blocking_normal" and job.generation > 1 else ()
        return Wait(blockers) if blockers else before_work(inputs, blocking_type)
    if job.uow_state not in UOW_FINISHED:
        return running(job)
    if occasion is not None and job.again_at is not None and job.state is JobState.IN_PROGRESS:
        return _after_open_period(inputs, occasion)
    return _after_work(job, inputs)


def _after_open_period(inputs: Sequence[Input], occasion: Occasion) -> Decision:
    """The context named a live machine before, so what was made may lack the end of the period: it runs once more after it."""
    if not occasion.is_closed and occasion.first_at is not None:
        text = f"its period is open and had runs; it runs again at {said(occasion.first_at)}"
        return Wait((Blocker("open period", text, occasion.process, occasion.timeperiod),), occasion.first_at)
    blockers = missing(inputs)
    return Wait(blockers) if blockers else Open(JobEvent.FINAL)


def _after_work(job: Job, inputs: Sequence[Input]) -> Decision:
    if job.uow_state is UowState.CANCELED:
        return Close(JobEvent.SKIPPED, job.reason)
    blockers = missing(inputs)
    if blockers:
        return Wait(blockers)
    if job.inputs_turn > job.opened_turn:
        return Open()
    assert job.uow_state is not None
    return Close(CLOSING[job.uow_state], job.reason)
