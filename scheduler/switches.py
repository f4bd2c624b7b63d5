"""What does it mean to switch a process on or off, or to give it another schedule, and which periods are not caught up then?

Pure: the states of a process and the time in, its switch as it stands after that out. Semantics: REFERENCE 1.2 and 1.5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from db.model import Switch
from scheduler.blockers import Blocker, said
from scheduler.timetable import States, Timetable, id_of, missed_ranges, ordinal_of
from scheduler.trees import Topology
from system.context import Context, ManagedProcess
from system.lifecycle import JobState
from system.schedule import Every


@dataclass(frozen=True, slots=True)
class Standing:
    """How one process stands. `who` and `why` are empty where the context says so, `since` is None where that was never otherwise.

    `schedule` is the one in force, `own_schedule` the context's; `next` is the next moment that it names, None for `every`. `waiting` is
    how many untouched periods are due.
    """

    process: str
    is_on: bool
    since: datetime | None
    who: str
    why: str
    schedule: str
    own_schedule: str
    schedule_who: str
    schedule_why: str
    schedule_since: datetime | None
    next: datetime | None
    waiting: int


def standing(states: States, now: datetime) -> Standing:
    """Return how a process stands."""
    found, own, schedule = states.switch, states.process.trigger_frequency, states.schedule
    waiting = states.counts(states.first, states.due_end(now))[JobState.EMBRYO]
    due = schedule_next(states, now)
    if found is None:
        return Standing(states.process.name, states.is_on, None, "", "", own, own, "", "", None, due, waiting)
    return Standing(
        found.process, found.is_on, found.at, found.who, found.why, schedule.text, own,
        found.frequency_who, found.frequency_why, found.frequency_at, due, waiting,
    )


def schedule_next(states: States, now: datetime) -> datetime | None:
    """Return the next moment that a process's schedule names, None for `every`."""
    return None if isinstance(states.schedule, Every) else states.schedule.next_fire(now)


def reconciled(context: Context, topology: Topology, table: Timetable, now: datetime, turn: int) -> Iterator[Switch]:
    """Yield the switches that the context calls for, as of turn `turn`: processes that are new or were switched in it.

    What an operator said stays. A process that was always on and catches up all it missed needs no record.
    """
    for name, process in context.managed.items():
        states = table.states[name]
        found = states.switch
        if found is None:
            if not process.is_on or process.catchup != "all":
                yield _first(states, topology, now, turn)
        elif not found.who and found.is_on != process.is_on:
            yield turned(states, topology, is_on=process.is_on, who="", why="", now=now, turn=turn)


def _first(states: States, topology: Topology, now: datetime, turn: int) -> Switch:
    """Return the switch of a process that has none: registered now, unless it has run before there were any."""
    process = states.process
    low = states.due_end(now) if states.has_run() else states.first
    if not process.is_on:
        return Switch(process.name, is_on=False, at=now, turn=turn, waits_from=id_of(states.qualifier, low))
    made = Switch(process.name, is_on=True, at=now, turn=turn)
    return replace(made, missed=_missed(states, topology, low, now))


def turned(states: States, topology: Topology, *, is_on: bool, who: str, why: str, now: datetime, turn: int) -> Switch:
    """Return the switch of a process that is switched on or off, or is left as it is by somebody else's word."""
    before = current(states, now, turn)
    after = replace(before, is_on=is_on, at=now, turn=turn, who=who, why=why)
    if before.is_on == is_on:
        return after
    if not is_on:
        return replace(after, waits_from=id_of(states.qualifier, states.due_end(now)))
    low = ordinal_of(states.qualifier, before.waits_from) if before.waits_from else states.due_end(now)
    return replace(after, waits_from="", missed=_missed(states, topology, low, now))


def rescheduled(before: Switch, frequency: str, *, who: str, why: str, now: datetime, turn: int) -> Switch:
    """Return the switch of a process that gets another schedule, which was parsed before."""
    return replace(before, turn=turn, frequency=frequency, frequency_who=who, frequency_why=why, frequency_at=now)


def own_schedule(before: Switch, turn: int) -> Switch:
    """Return the switch of a process that goes by its context's schedule again."""
    return replace(before, turn=turn, frequency="", frequency_who="", frequency_why="", frequency_at=None)


def current(states: States, now: datetime, turn: int) -> Switch:
    """Return the switch of a process; where it has none, one that says what the context says."""
    return states.switch or Switch(states.process.name, is_on=states.process.is_on, at=now, turn=turn)


def _missed(states: States, topology: Topology, low: int, now: datetime) -> str:
    """Return the ranges that are not to be caught up: those before that have something untouched left, and what was missed since `low`."""
    ranges = [found for found in states.missed if states.next_embryo(found.start, found.stop) is not None]
    high = kept_from(states, topology, states.due_end(now))
    low = max(low, states.first)
    if low < high:
        ranges.append(range(low, high))
    return " ".join(f"{id_of(states.qualifier, r.start)}..{id_of(states.qualifier, r.stop)}" for r in ranges)


def kept_from(states: States, topology: Topology, due_end: int) -> int:
    """Return the first period that `catchup` lets run of those before `due_end`: N counts runs, so of groups it counts whole ones."""
    process: ManagedProcess = states.process
    if process.catchup == "all":
        return states.first
    at = due_end
    if at > states.first and topology.group(process.name, at - 1)[-1] >= at:
        at = topology.group(process.name, at - 1).start  # its group runs when its end is due
    for _ in range(int(process.catchup) if process.catchup != "none" else 0):
        if at <= states.first:
            break
        at = topology.group(process.name, at - 1).start
    return max(at, states.first)


def not_caught_up(switch: Switch, states: States) -> int:
    """Return how many untouched periods a switch says are not to be caught up."""
    return sum(states.counts(r.start, r.stop)[JobState.EMBRYO] for r in missed_ranges(states.qualifier, switch.missed))


def said_off(states: States) -> str:
    """Return the sentence about a process that is off: since when, by whom, why."""
    found = states.switch
    if found is None:
        return f"{states.process.name} is switched off in the context"
    if not found.who:
        return f"{states.process.name} is off since {said(found.at)}, switched off in the context"
    return f"{states.process.name} is off since {said(found.at)}, by {found.who}: {found.why}"


def off_blocker(states: States, timeperiod: str) -> Blocker:
    """Return what a period of a process that is off waits for."""
    process = states.process.name
    since = states.switch.at if states.switch else None
    return Blocker("off", said_off(states), process, timeperiod, since, f"launch.py process on {process} --why TEXT")


def open_again(states: States, ordinal: int) -> Blocker:
    """Return what a period waits for that was missed and is open again, since a clock was set back or its lag was made longer."""
    text = f"it is not to be caught up, and not over before {said(states.due_at(ordinal))}"
    return Blocker("open period", text, states.process.name, id_of(states.qualifier, ordinal), look="nothing: it will be passed over then")
