"""When would something fire by a schedule that somebody has just typed? Asked of the very functions that fire."""

from __future__ import annotations

from datetime import datetime

from mx.models.triggers import ScheduleTrial
from system.errors import HorariumError
from system.fires import SHORTEST_EVERY_S, fires_of
from system.schedule import Every, Schedule, parse_schedule

_LONGEST = 200


def tried(schedule: str, *, process: str, entry: str, now: datetime, count: int) -> ScheduleTrial:
    """Return what `schedule` means for a managed process, or for an entry where that is named."""
    schedule = schedule.strip()
    try:
        if len(schedule) > _LONGEST:
            raise ValueError(f"a schedule has at most {_LONGEST} characters")
        parsed = parse_schedule(schedule)
        if entry:
            return _of_entry(schedule, parsed, f"{process}/{entry}", now, count)
        return _of_process(schedule, parsed, now, count)
    except (HorariumError, ValueError) as error:
        return ScheduleTrial(schedule=schedule, fault=str(error), next_fires=(), note="")


def _of_process(schedule: str, parsed: Schedule, now: datetime, count: int) -> ScheduleTrial:
    if isinstance(parsed, Every):
        note = "`every` names no moments: periods are not held back, and those that run while they are open run again so often"
        return ScheduleTrial(schedule=schedule, fault="", next_fires=(), note=note)
    moments, at = [], now
    for _ in range(count):
        at = parsed.next_fire(at)
        moments.append(at)
    return ScheduleTrial(schedule=schedule, fault="", next_fires=tuple(moments), note="periods that are over wait for the next of these")


def _of_entry(schedule: str, parsed: Schedule, title: str, now: datetime, count: int) -> ScheduleTrial:
    if isinstance(parsed, Every) and parsed.seconds < SHORTEST_EVERY_S:
        raise ValueError(f"{schedule!r} is too often for an entry: {SHORTEST_EVERY_S:g} s is the shortest")
    coming = tuple(fires_of(schedule, title).coming(now, count))
    return ScheduleTrial(schedule=schedule, fault="", next_fires=coming, note="")
