"""What should a timetable do? The rules of the reference, written down once more as plainly as they are said: by brute force.

Shares no line with the product: own calendar by dates, own states, every node looked at again until nothing changes. Slow, and easy to
read beside the reference. Only discrete processes of one tree each or more, in UTC.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

HOUR, DAY, MONTH, YEAR = range(4)
EMBRYO, RUNS, PROCESSED, NOOP, SKIPPED = "embryo", "in_progress", "processed", "noop", "skipped"
FINISHED = (PROCESSED, NOOP, SKIPPED)

Node = tuple[str, datetime]


def floor(level: int, moment: datetime) -> datetime:
    """Return the start of the period that contains a moment."""
    month = 1 if level == YEAR else moment.month
    day = 1 if level >= MONTH else moment.day
    return datetime(moment.year, month, day, 0 if level >= DAY else moment.hour, tzinfo=UTC)


def after(level: int, start: datetime) -> datetime:
    """Return the start of the next period."""
    return floor(level, start + timedelta(hours=1, days=(0, 1, 31, 366)[level]) - timedelta(hours=1 if level else 0))


def token(level: int, start: datetime) -> int:
    """Return a period's place in its enclosing unit: hour of the day, day of the month, month of the year."""
    return (start.hour, start.day, start.month, 1)[level]


def bound(level: int, start: datetime) -> int:
    """Return the last place in the enclosing unit."""
    return (23, calendar.monthrange(start.year, start.month)[1], 12, 1)[level]


def identifier(level: int, start: datetime) -> str:
    """Return a period's id as the reference writes it."""
    return start.strftime(("%Y%m%d%H", "%Y%m%d00", "%Y%m0000", "%Y000000")[level])


@dataclass(frozen=True)
class Kind:
    """A process: where it stands, how it blocks and groups, and where its periods begin."""

    name: str
    tree: str
    level: int
    blocking: str
    grouping: int
    start: datetime


@dataclass
class Place:
    """What became of one period. `opened` and `settled` are the steps at which its run began and an input last ended."""

    state: str = EMBRYO
    runs: int = 0
    generation: int = 1
    outcome: str | None = None
    opened: int = 0
    settled: int = 0
    is_operators: bool = False
    after_run: str = ""


@dataclass
class Rules:
    """A timetable by brute force. `step` does what one round of a scheduler should do."""

    kinds: dict[str, Kind]
    dependent_on: dict[str, tuple[str, ...]]
    last: datetime
    places: dict[Node, Place] = field(default_factory=dict)
    number: int = 0
    now: datetime = datetime(1, 1, 1, tzinfo=UTC)

    def __post_init__(self) -> None:
        for kind in self.kinds.values():
            start = kind.start
            # To the end of the enclosing unit: a group may end later than what is played.
            stop = after(min(kind.level + 1, YEAR), floor(min(kind.level + 1, YEAR), self.last))
            while start < stop:
                self.places[kind.name, start] = Place()
                start = after(kind.level, start)
        self.inputs = {node: self._inputs(node) for node in self.places}
        self.users: dict[Node, list[Node]] = {node: [] for node in self.places}
        for node, (children, needed) in self.inputs.items():
            for other in (*children, *needed):
                self.users[other].append(node)

    # -- who needs whom

    def group(self, node: Node) -> list[Node]:
        """Return the periods of a node's group; the last of them is the one that runs."""
        kind = self.kinds[node[0]]
        if kind.grouping == 1:
            return [node]
        whole = list(self._unit(kind.level, node[1]))
        ends = [t for t in whole if self._is_end(kind, t)]
        end = next(t for t in ends if t >= node[1])
        before = [t for t in ends if t < end]
        return [(kind.name, t) for t in whole if (not before or t > before[-1]) and t <= end]

    def _unit(self, level: int, start: datetime) -> Iterable[datetime]:
        at = floor(level + 1, start)
        stop = after(level + 1, at)
        while at < stop:
            yield at
            at = after(level, at)

    def _is_end(self, kind: Kind, start: datetime) -> bool:
        place = token(kind.level, start)
        return place == bound(kind.level, start) or (place > 0 and place % kind.grouping == 0)

    def _inputs(self, node: Node) -> tuple[list[Node], list[Node]]:
        """Return the children and the counterparts that a node waits for."""
        kind = self.kinds[node[0]]
        group = [start for _, start in self.group(node)]
        if group[-1] != node[1]:
            return [], []
        levels = sorted((k for k in self.kinds.values() if k.tree == kind.tree), key=lambda k: k.level)
        finer = [k.name for k in levels if k.level < kind.level][-1:]
        low, high = group[0], after(kind.level, node[1])
        children = [n for n in self.places if n[0] in finer and low <= n[1] < high]
        needed = []
        for other in self.kinds.values():
            if other.tree in self.dependent_on.get(kind.tree, ()) and other.level == kind.level:
                # A period that ends no group stands for the one that does.
                wanted = {n for t in group for n in self.group((other.name, t))[self.group((other.name, t)).index((other.name, t)) :]}
                needed += [n for n in self.places if n in wanted]
        return children, needed

    def is_stuck(self, node: Node) -> bool:
        """Return whether a due period is unfinished and nothing that it waits for, directly or not, has still to become due."""
        if self.places[node].state in FINISHED or not self.is_due(node):
            return False
        found, waiting = {node}, [node]
        while waiting:
            more = {other for inputs in self.inputs[waiting.pop()] for other in inputs} - found
            found |= more
            waiting += more
        return all(self.is_due(other) or self.places[other].state in FINISHED for other in found)

    # -- what happens

    def is_due(self, node: Node) -> bool:
        """Return whether a period is over."""
        return after(self.kinds[node[0]].level, node[1]) <= self.now

    def ended(self, node: Node, outcome: str) -> None:
        """Take over that a run ended."""
        place = self.places[node]
        place.outcome = outcome
        wanted, place.after_run = place.after_run, ""
        if wanted == "anew":
            self._anew(node)
        elif wanted == "skip" and outcome == "canceled":
            self._give_up(node)
        elif wanted == "empty" and self._is_empty(node):
            self._close(node, SKIPPED)

    def step(self, now: datetime) -> None:
        """Do everything that is owed at `now`, until nothing is."""
        self.now = now
        while sum(self._decide(node) for node in self.places):
            pass

    def _decide(self, node: Node) -> bool:
        """Do what is owed to one node; returns whether anything was."""
        place, kind = self.places[node], self.kinds[node[0]]
        if place.state in FINISHED or (place.state == EMBRYO and not self.is_due(node)):
            return False
        if place.state == EMBRYO and self.group(node)[-1] != node:
            return self._close(node, NOOP)
        children, needed = ([self.places[n].state for n in found] for found in self.inputs[node])
        has_all = all(state in FINISHED for state in (*children, *needed))
        if place.state == RUNS:
            if place.outcome is None:
                return False
            if place.outcome == "canceled":
                return self._close(node, SKIPPED)
            if not has_all:
                return False
            return self._open(node) if place.settled > place.opened else self._close(node, place.outcome)
        needs_good = kind.blocking in ("blocking_dependencies", "blocking_all")
        if needs_good and SKIPPED in needed:
            return self._close(node, SKIPPED)
        gate = {
            "blocking_normal": place.generation == 1 or has_all,
            "blocking_children": has_all,
            "blocking_dependencies": all(state in (PROCESSED, NOOP) for state in needed),
            "blocking_all": has_all,
        }
        return gate[kind.blocking] and self._open(node)

    def _open(self, node: Node) -> bool:
        place = self.places[node]
        place.state, place.runs, place.outcome, place.opened = RUNS, place.runs + 1, None, self.number
        return True

    def _close(self, node: Node, state: str) -> bool:
        self.places[node].state = state
        for user in self.users[node]:
            self.places[user].settled = self.number
        if state == SKIPPED:
            self._empty(node)
        return True

    def _empty(self, child: Node) -> None:
        """Skip the parent of which nothing is left without `child`, once it has ended what it runs."""
        for parent in self.users[child]:
            if child in self.inputs[parent][0] and self._is_empty(parent):
                if self.running(parent):
                    self.places[parent].after_run = "empty"
                else:
                    self._close(parent, SKIPPED)

    def _is_empty(self, node: Node) -> bool:
        children = [child for child in self.inputs[node][0] if self.group(child)[-1] == child]
        return self.places[node].state not in FINISHED and bool(children) and all(self.places[n].state == SKIPPED for n in children)

    def _anew(self, node: Node) -> None:
        self.places[node] = Place(generation=self.places[node].generation + 1)

    # -- what operators do

    def running(self, node: Node) -> bool:
        """Return whether a node's run has not ended."""
        return self.places[node].state == RUNS and self.places[node].outcome is None

    def reprocess(self, named: Node) -> None:
        """Let a node and whatever uses it start anew, but for what an operator skipped."""
        named = self.group(named)[-1]
        for node in self._downstream(named):
            place = self.places[node]
            if place.state == EMBRYO or (node != named and (place.is_operators or place.after_run == "skip")):
                continue
            if self.running(node):
                place.after_run = "anew"
            else:
                self._anew(node)

    def _downstream(self, node: Node) -> list[Node]:
        found, waiting = {node: None}, [node]
        while waiting:
            more = [user for user in self.users[waiting.pop()] if user not in found and self._is_there(user)]
            found.update(dict.fromkeys(more))
            waiting += more
        return list(found)

    def _is_there(self, node: Node) -> bool:
        return self.is_due(node) or self.places[node].state != EMBRYO

    def skip(self, named: Node) -> None:
        """Give up what is unfinished among a node and its descendants."""
        waiting = [self.group(named)[-1]]
        while waiting:
            node = waiting.pop()
            waiting += self.inputs[node][0]
            if self.running(node):
                self.places[node].after_run = "skip"
            elif self.places[node].state not in FINISHED:
                self._give_up(node)

    def _give_up(self, node: Node) -> None:
        """Skip a node for an operator."""
        self._close(node, SKIPPED)
        self.places[node].is_operators = True
