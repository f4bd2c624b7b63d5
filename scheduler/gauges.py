"""How does each process stand, in figures? Counted from the timetable's bytes, anew only where something has changed since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from scheduler.lateness import count_late
from scheduler.timetable import States, Timetable
from scheduler.trees import Topology
from system.lifecycle import JobState


@dataclass(frozen=True, slots=True)
class Gauge:
    """One process. `counts` is by state label; untouched periods count once they are due.

    `complete_until` is the end of the last period up to which all are finished, None where the first one is not. `lag_s` is the age of the
    oldest period that is due and unfinished, counted from its end; 0 where there is none.
    """

    process: str
    is_on: bool
    counts: Mapping[str, int]
    complete_until: datetime | None
    lag_s: float
    late: int
    phases: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Counted:
    """What holds until a turn or the clock changes it. `oldest` is the oldest period that is due and unfinished."""

    states: States
    due_end: int
    counts: Mapping[str, int]
    oldest: int | None


class Gauges:
    """Remembers what was counted of each process; `touch` says of which that is not true any more."""

    def __init__(self) -> None:
        self._known: dict[str, _Counted] = {}

    def touch(self, process: str) -> None:
        """Count this process anew when it is asked for."""
        self._known.pop(process, None)

    def of(self, table: Timetable, topology: Topology, now: datetime) -> list[Gauge]:
        """Return all processes, in the order of the context."""
        phases: dict[str, Counter[str]] = {}
        for (process, _), job in table.active.items():
            phase = "held" if job.held else "failing" if job.failing_since else ""
            if phase:
                phases.setdefault(process, Counter())[phase] += 1
        return [self._gauge(states, topology, phases.get(name, Counter()), now) for name, states in table.states.items()]

    def _gauge(self, states: States, topology: Topology, phases: Mapping[str, int], now: datetime) -> Gauge:
        found = self._counted(states, now)
        end = found.due_end if found.oldest is None else found.oldest
        calendar, qualifier = states.calendar, states.qualifier
        lag_s = 0.0 if found.oldest is None else max(0.0, (now - calendar.end(qualifier, found.oldest)).total_seconds())
        complete = calendar.end(qualifier, end - 1) if end > states.first else None
        late = count_late(states, topology, now)
        return Gauge(states.process.name, states.is_on, found.counts, complete, lag_s, late, dict(phases))

    def _counted(self, states: States, now: datetime) -> _Counted:
        name, due_end = states.process.name, states.due_end(now)
        known = self._known.get(name)
        if known is None or known.states is not states or known.due_end != due_end:
            counts = states.counts(states.first, max(due_end, states.open_end(now)))
            # What nothing has touched is owed once it is due.
            counts[JobState.EMBRYO] = states.counts(states.first, due_end)[JobState.EMBRYO]
            oldest = next(states.unfinished(states.first, due_end), None)
            known = _Counted(states, due_end, {state.label: counts[state] for state in JobState}, oldest)
            self._known[name] = known
        return known
