"""Which records can't be right? Periods without a record, records that disagree, work that was done twice or before its inputs were there.

Pure: records in, findings out. In a system that works there are none: whatever is found here is a fault, of ours, of a store that was
restored from an older copy, or of a hand in the store. Only `late` needs no fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from db.model import Job, UnitOfWork
from scheduler.decisions import NOT_A_GROUP_END
from system.lifecycle import JOB_FINISHED, UOW_FINISHED, JobState, UowState

MISSING, LATE, TWICE, OVERLAP, ORDER = "missing", "late", "ran twice", "overlap", "out of order"
KINDS = (MISSING, TWICE, OVERLAP, ORDER, LATE)

# The clocks of two workers may differ by so much before their times contradict each other.
_APART = timedelta(seconds=5)
_WORKED = (UowState.PROCESSED, UowState.NOOP)


@dataclass(frozen=True, slots=True)
class Finding:
    """One period that is not as it should be. `kind` is one of KINDS, `evidence` what shows it, `look` what to do about it."""

    process: str
    timeperiod: str
    kind: str
    what: str
    evidence: tuple[str, ...]
    look: str


def wrong_record(process: str, timeperiod: str, state: JobState, job: Job | None, *, is_archived: bool) -> Finding | None:
    """Return a finding where a period's byte in the chunks and its record disagree. `is_archived`: records of the process were removed."""
    seen = f"its chunk says {state.label}"
    look = f"launch.py job reprocess {process} {timeperiod} --why 'its record was gone'"
    if job is None:
        if state is JobState.EMBRYO or (state in JOB_FINISHED and is_archived):
            return None
        return Finding(process, timeperiod, MISSING, "it has no record", (seen, "no job in the store, and none was archived"), look)
    if job.state is state:
        return None
    said = f"its record says {job.state.label} since turn {job.turn}, {_at(job.changed_at)}"
    return Finding(process, timeperiod, MISSING, "its record and its chunk disagree", (seen, said), look)


def without_unit(job: Job, uows: Sequence[UnitOfWork]) -> Finding | None:
    """Return a finding where a job is under way and its unit of work is not in the store."""
    is_under_way = job.run > 0 and job.state not in JOB_FINISHED and job.uow_state not in UOW_FINISHED
    if not is_under_way or any(uow.id == job.uow_id for uow in uows):
        return None
    said = f"{job.uow_id} was opened by turn {job.opened_turn} and is not in the store"
    return Finding(job.process, job.timeperiod, MISSING, "its unit of work is gone", (said,), _show(job))


def ran_twice(job: Job, uows: Iterable[UnitOfWork], *, is_live: bool) -> Finding | None:
    """Return a finding where a generation of a job has succeeded twice, and no later input asked for that.

    `uows` are those of the job that are kept. What `is_live` succeeds each time that it runs.
    """
    own = sorted((uow for uow in uows if _place(uow)[0] == job.generation), key=_place)
    good = [uow for uow in own if uow.state is UowState.PROCESSED]
    if is_live or len(good) < 2 or job.again_at is not None:
        return None
    last = good[-2]
    # The turn of a unit of work is the one that opened it, as long as nothing was done to it since.
    is_untouched = not last.losses and not last.failures and not last.cancel_requested
    if job.inputs_turn and not (is_untouched and _place(last)[1] == job.run - 1 and job.inputs_turn <= last.turn):
        return None
    settled = f"the last of its inputs was settled in turn {job.inputs_turn}" if job.inputs_turn else "no input was settled in between"
    said = (*(f"{uow.id} was processed {_span(uow)}" for uow in good[-2:]), settled)
    return Finding(job.process, job.timeperiod, TWICE, "it succeeded twice, and nothing asked for it", said, _show(job))


def overlaps(uows: Iterable[UnitOfWork]) -> Iterator[Finding]:
    """Yield a finding for each two runs of one job, one after the other, whose last attempts overlap, by their workers' clocks."""
    timed = sorted((uow for uow in uows if uow.started_at and uow.finished_at and uow.started_at <= uow.finished_at), key=_place)
    for one, other in pairwise(timed):
        assert one.started_at
        assert one.finished_at
        assert other.started_at
        assert other.finished_at
        may_differ = timedelta() if one.session == other.session else _APART
        # A worker that stood still before its claim was carried out says the time from before that.
        began = max(other.started_at, other.opened_at)
        if began < one.finished_at - may_differ and other.finished_at > one.started_at + may_differ:
            said = f"{one.id} ran {_span(one)}", f"{other.id} ran {_span(other)}"
            what = "two of its runs overlap (or a worker's clock was put back)"
            yield Finding(one.process, one.timeperiod, OVERLAP, what, said, f"launch.py job log {one.process} {one.timeperiod}")


def out_of_order(job: Job) -> Finding | None:
    """Return a finding where a finished job knows that an input was settled after its last run had been opened."""
    if not has_worked(job) or job.inputs_turn <= job.opened_turn:
        return None
    said = f"{job.uow_id} was opened by turn {job.opened_turn}", f"an input was settled in turn {job.inputs_turn}", _finish(job)
    return Finding(job.process, job.timeperiod, ORDER, "it finished without an input that was settled meanwhile", said, _reprocess(job))


def stale(job: Job, inputs: Iterable[Job]) -> Finding | None:
    """Return a finding where the records of its inputs say so of a finished job: one was settled while its last run was under way.

    What was settled in the turn of its end or later is left out: it may finish before those of which one is enough. So are periods that
    end no group, which have no data.
    """
    with_data = [other for other in inputs if other.state in JOB_FINISHED and other.reason != NOT_A_GROUP_END]
    late = [other for other in with_data if job.opened_turn < other.turn < job.turn]
    if not has_worked(job) or not late:
        return None
    last = max(late, key=lambda other: other.turn)
    settled = f"{last.process} {last.timeperiod} was settled in turn {last.turn}"
    said = f"{job.uow_id} was opened by turn {job.opened_turn}", settled, _finish(job)
    return Finding(job.process, job.timeperiod, ORDER, "it finished without an input that was settled meanwhile", said, _reprocess(job))


def has_worked(job: Job) -> bool:
    """Return whether a job was finished by what its unit of work came to, and not by a source that has nothing, or by an operator."""
    is_by_work = job.state in (JobState.PROCESSED, JobState.NOOP) and job.run > 0 and job.uow_state in _WORKED
    return is_by_work and job.reason != "its source has no rows"


def _place(uow: UnitOfWork) -> tuple[int, int]:
    generation, run = uow.id.rsplit("/", 2)[1:]
    return int(generation), int(run)


def _finish(job: Job) -> str:
    return f"it became {job.state.label} in turn {job.turn}, {_at(job.changed_at)}"


def _show(job: Job) -> str:
    return f"launch.py job log {job.process} {job.timeperiod}"


def _reprocess(job: Job) -> str:
    return f"launch.py job reprocess {job.process} {job.timeperiod} --why 'out of order'"


def _span(uow: UnitOfWork) -> str:
    where = f" by {uow.session}" if uow.session else ""
    return f"from {_at(uow.started_at)} to {_at(uow.finished_at)}{where}" if uow.started_at and uow.finished_at else f"(fence {uow.fence})"


def _at(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z" if moment else "-"
