"""What does a slot get for a claimed unit of work, and what does its end mean for the store? Pure: values in, values out."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import Enum
from functools import lru_cache
from types import MappingProxyType

from db.model import Outcome, UnitOfWork
from system.calendars import Calendar
from system.context import Context, FreerunProcess, ManagedProcess, ProcessEntry
from system.errors import SlotError, TimeperiodError
from system.fires import moment_of
from system.lanes import Lane, lane_of
from system.lifecycle import UOW_LIFECYCLE, UowEvent, UowState, advance
from system.timeperiod import REAL_TIME, parse, qualifier_named
from workers.slots import Ended, Ending, Task

_NO_ARGUMENTS: Mapping[str, object] = MappingProxyType({})
_EVENTS = {Ending.DONE: UowEvent.DONE, Ending.EMPTY: UowEvent.EMPTY, Ending.FAILED: UowEvent.FAILED, Ending.ENDED: UowEvent.FAILED}


class Refusal(Enum):
    """Why the store did not write an outcome, where there is nothing more to write."""

    WRITTEN_BEFORE = "an earlier try had written it; only its answer was lost"
    FENCED = "the claim is someone else's by now"


def is_uow_id(text: str) -> bool:
    """Return whether a message can mean a unit of work: `process/timeperiod/generation/run`."""
    parts = text.split("/")
    return len(parts) == 4 and all(parts) and parts[2].isdecimal() and parts[3].isdecimal()


def process_of(uow_id: str) -> str:
    """Return the process of a unit of work."""
    return uow_id.partition("/")[0]


def task_of(uow: UnitOfWork, context: Context) -> Task:
    """Return the attempt that `uow` was claimed for; raises SlotError where this worker's context can't run it.

    Arguments are a copy: whatever an attempt does to its own, no other one sees it. Those of the unit of work overlay the process's. The
    window's bounds are as the clocks of the process's calendar show them.
    """
    process = context.managed.get(uow.process) or context.freerun.get((uow.process, uow.runs_as))
    if process is None:
        what = f"entry {uow.runs_as!r} of {uow.process!r}" if uow.runs_as else f"process {uow.process!r}"
        raise SlotError(f"{what} is not in this worker's context: deploy the same context to all boxes and restart them")
    qualifier = process.time_qualifier if isinstance(process, ManagedProcess) else REAL_TIME.name
    try:
        calendar = context.calendar_of(process.name)
        start, end = (_moment(calendar, qualifier, bound) for bound in (uow.start_timeperiod, uow.end_timeperiod))
    except (TimeperiodError, ValueError) as error:
        raise SlotError(f"the window of {uow.id} can't be read with this worker's context: {error}") from error
    return Task(
        uow.id,
        uow.fence,
        uow.process,
        uow.timeperiod,
        qualifier,
        uow.start_timeperiod,
        uow.end_timeperiod,
        start,
        end,
        uow.failures + uow.losses + 1,
        process.classname,
        process.argv,
        _arguments(process.arguments, uow.arguments),
        process.timeout_s,
        process.noop_exit_code,
        slice=json.loads(uow.slice) if uow.slice else None,
        is_backfill=lane_of(uow.queue) is Lane.BACKFILL,
    )


def with_what_left(context: Context, before: Context) -> Context:
    """Return `context` with the processes and entries that were in the one before and are not in it any more, each with its calendar."""
    names = {process.name for process in context.processes}
    there = {_key(process) for process in context.processes}
    left = tuple(process for process in before.processes if _key(process) not in there)
    trees = dict(context.trees)
    for tree in before.trees.values() if left else ():
        kept = tuple(name for name in tree.enclosed_processes if name not in names)
        # A name that no tree of a context can have.
        trees[f"left/{tree.name}"] = replace(tree, name=f"left/{tree.name}", enclosed_processes=kept)
    return replace(context, processes=(*context.processes, *left), trees=trees)


def _key(process: ProcessEntry) -> tuple[str, str]:
    return process.name, process.entry_name if isinstance(process, FreerunProcess) else ""


def outcome_of(uow: UnitOfWork, ended: Ended, at: datetime) -> Outcome:
    """Return what an attempt that started has come to; one that something ended from outside has failed."""
    event = _EVENTS[ended.ending]
    failures = uow.failures + (event is UowEvent.FAILED)
    reason = ended.reason or (ended.ending.value if event is UowEvent.FAILED else "")
    return Outcome(uow.id, uow.session, uow.fence, event, at, failures, ended.rows, reason)


def refused_by_context(uow: UnitOfWork, at: datetime, reason: str) -> Outcome:
    """Return the outcome of a claim that this worker can't run at all."""
    return Outcome(uow.id, uow.session, uow.fence, UowEvent.FAILED, at, uow.failures + 1, None, reason)


def canceled(uow: UnitOfWork, at: datetime, reason: str) -> Outcome:
    """Return the outcome of a claim that was called off. `reason` is the canceler's, empty where it could not be read."""
    return Outcome(uow.id, uow.session, uow.fence, UowEvent.CANCELED, at, uow.failures, None, reason or "canceled")


def after_refusal(outcome: Outcome, uow: UnitOfWork | None) -> Outcome | Refusal:
    """Return what to write instead of an outcome that the store refused, `uow` being the record as it stands now.

    A claim that still is ours and is to be canceled ends canceled: a cancel is never overwritten by a later success (fault 7).
    """
    if uow is None or uow.fence != outcome.fence:
        return Refusal.FENCED
    if uow.state is UowState.IN_PROGRESS and uow.session == outcome.session:
        return canceled(uow, outcome.at, uow.reason) if uow.cancel_requested else outcome
    if uow.state is advance(UOW_LIFECYCLE, UowState.IN_PROGRESS, outcome.event):
        return Refusal.WRITTEN_BEFORE
    return Refusal.FENCED


def _arguments(of_process: Mapping[str, object], overlay: str) -> Mapping[str, object]:
    if not of_process and not overlay:
        return _NO_ARGUMENTS
    return {**copy.deepcopy(dict(of_process)), **(json.loads(overlay) if overlay else {})}


@lru_cache(maxsize=8192)
def _moment(calendar: Calendar, qualifier: str, timeperiod: str) -> str:
    if qualifier == REAL_TIME.name:
        return moment_of(timeperiod).isoformat()  # a fire, to the microsecond
    period = parse(qualifier_named(qualifier), timeperiod)
    return calendar.shown(period.qualifier, period.ordinal).isoformat()
