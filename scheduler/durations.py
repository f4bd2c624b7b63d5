"""How long does a unit of work of a process usually take, and a whole plan? Learned from the last ones that were processed.

Nothing is kept for it: the newest processed periods are in the timetable's bytes, and their few records are read when somebody asks. So it
costs a turn nothing, a question the same after ten years as after a day, and it survives every restart.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from db.model import UnitOfWork
from db.store import Store
from scheduler.plans import Action, Plan
from scheduler.timetable import Node, Timetable
from scheduler.trees import Topology
from system.lifecycle import JobState, UowState

LAST = 20
_RUNNING = (Action.REOPEN, Action.REOPEN_AFTER, Action.RELEASE, Action.TRIGGER)


@dataclass(frozen=True, slots=True)
class Usual:
    """What the attempts of a process that succeeded last took: the median, the longest but the worst tenth, and of how many."""

    seconds: float
    long_s: float
    runs: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a plan will take. `steps` has the usual seconds of each step, None for one that runs nothing or has no history.

    `seconds` is for `slots` at once and nothing else to do, `chain_s` what the longest chain takes however many there are. Processes in
    `unknown` have no history: they count as nothing, so that both are too low.
    """

    steps: tuple[float | None, ...]
    seconds: float
    chain_s: float
    slots: int
    unknown: tuple[str, ...] = ()


def usual(uows: Iterable[UnitOfWork]) -> Usual | None:
    """Return what these took, as far as they were processed; None where none was."""
    done = [u for u in uows if u.state is UowState.PROCESSED and u.started_at is not None and u.finished_at is not None]
    # By the workers' clocks, which may have been set back meanwhile.
    took = sorted(max(0.0, (u.finished_at - u.started_at).total_seconds()) for u in done if u.finished_at and u.started_at)
    if not took:
        return None
    return Usual(median(took), took[max(0, -(-9 * len(took) // 10) - 1)], len(took))


class Durations:
    """Asks for the last units of work of processes, once each: two calls, of however many processes at once."""

    def __init__(self, store: Store, timetable: Timetable) -> None:
        self._store = store
        self._timetable = timetable
        self._known: dict[str, Usual | None] = {}

    def of(self, process: str) -> Usual | None:
        """Return what the last `LAST` processed periods of a process took, None without any; may raise Unavailable."""
        return self.of_all([process])[process]

    def of_all(self, processes: Iterable[str]) -> dict[str, Usual | None]:
        """Return that of each process, in their order; may raise Unavailable."""
        names = list(dict.fromkeys(processes))
        asked = [name for name in names if name not in self._known]
        if asked:
            places = [(name, period) for name in asked for period in self._newest(name)]
            jobs = self._store.jobs_at(places) if places else []
            found: dict[str, list[UnitOfWork]] = {name: [] for name in asked}
            process_of = {job.uow_id: job.process for job in jobs}
            for uow in self._store.uows(list(process_of)) if process_of else []:
                found[process_of[uow.id]].append(uow)
            self._known.update({name: usual(uows) for name, uows in found.items()})
        return {name: self._known[name] for name in names}

    def of_entries(self, process: str, entries: Iterable[str]) -> Usual | None:
        """Return what the last `LAST` fires of each of these entries of a freerun process took, None without any; may raise Unavailable."""
        return usual(uow for entry in entries for uow in self._store.fires(process, entry, LAST))

    def _newest(self, process: str) -> list[str]:
        newest = self._timetable.states[process].newest(JobState.PROCESSED, LAST)
        return [self._timetable.period((process, ordinal)) for ordinal in newest]


def forecast(
    plan: Plan, topology: Topology, usual_of: Callable[[list[str]], Mapping[str, Usual | None]], limits: Mapping[str, int], slots: int
) -> Forecast:
    """Return what `plan` will take: its steps one after the other as they depend on each other, at most `slots` at once, and of each
    process as many as `limits` says (0: no limit). Backoffs, other work and waiting for a person are not in it."""
    runs = [step.node for step in plan.steps if step.action in _RUNNING]
    expected = usual_of(list(dict.fromkeys(node[0] for node in runs)))
    known = {name: found.seconds for name, found in expected.items() if found is not None}
    users = _users(runs, topology, limits)
    took = [known.get(node[0], 0.0) for node in runs]
    steps = tuple(known.get(step.node[0]) if step.action in _RUNNING else None for step in plan.steps)
    unknown = tuple(name for name in expected if name not in known)
    return Forecast(steps, _spread(users, took, max(1, slots)), _spread(users, took, len(runs) or 1), slots, unknown)


def _users(runs: Sequence[Node], topology: Topology, limits: Mapping[str, int]) -> list[list[int]]:
    """Return for each run the later ones that wait for it."""
    place = {node: at for at, node in enumerate(runs)}
    users: list[list[int]] = [[] for _ in runs]
    of_process: dict[str, list[int]] = {}
    for at, node in enumerate(runs):
        follower = topology.follower_of(*node)
        waiting = [*topology.affected_by(*node), *(((node[0], follower),) if follower is not None else ())]
        # Where processes depend on each other's past, an order can't be had for all: what would go round is left out.
        users[at] += [place[user] for user in dict.fromkeys(waiting) if place.get(user, -1) > at]
        earlier, most = of_process.setdefault(node[0], []), limits.get(node[0], 0)
        if most and len(earlier) >= most:
            users[earlier[-most]].append(at)
        earlier.append(at)
    return users


def _spread(users: Sequence[Sequence[int]], took: Sequence[float], slots: int) -> float:
    """Return when the last run ends, each begun as soon as what it waits for has ended and one of `slots` is free."""
    waits = [0] * len(took)
    for each in users:
        for at in each:
            waits[at] += 1
    ready = [at for at, count in enumerate(waits) if not count]
    busy: list[tuple[float, int]] = []
    now_s = 0.0
    while ready or busy:
        while ready and len(busy) < slots:
            at = heapq.heappop(ready)
            heapq.heappush(busy, (now_s + took[at], at))
        now_s, ended = heapq.heappop(busy)
        for at in users[ended]:
            waits[at] -= 1
            if not waits[at]:
                heapq.heappush(ready, at)
    return now_s


def span_text(seconds: float) -> str:
    """Return a duration as people say it: `under 1 s`, `45 s`, `3 min`, `5.2 h`, `3.0 d`."""
    if seconds < 1:
        return "under 1 s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} d"
