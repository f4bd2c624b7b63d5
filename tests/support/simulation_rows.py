"""Which rows do the sources of a history get, and when? And what is owed for them, by brute force from the rows alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import Random

from db.model import Job
from system.lifecycle import JobState
from tests.support.simulation_book import PASSED_OVER, Book, Jobs, Node, state_of
from tests.support.simulation_plan import Plan
from tests.support.simulation_spans import span_of

_LAST_S = 12.0  # so long after the storm the last row comes
_UNCLEAR = timedelta(seconds=60)  # about the limit, the time of the question makes a difference
Figures = tuple[int, int, int]  # the lowest key, the highest one, and how many


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a source: of which moment it tells, and when it comes, in the clock's `monotonic`."""

    arrives_s: float
    moment: datetime
    key: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a source said about a period: when it was looked at, and when an engine took that."""

    process: str
    ordinal: int
    read_s: float
    given_s: float


class Rows:
    """All rows that ever come, by process; none without a plan. Has luck of its own."""

    def __init__(self, book: Book, plan: Plan | None = None) -> None:
        self._book = book
        self.of: dict[str, list[Row]] = {}
        if plan is not None:
            self._draw(book, plan)

    def _draw(self, book: Book, plan: Plan) -> None:
        luck = Random(f"rows {plan.seed}")
        for name, process in plan.context.managed.items():
            if process.state_machine_name == "recomputing":
                arrival = luck.choice((_early_or_late, _in_time))
                moments = [moment for node in book.nodes if node[0] == name for moment in self._some(luck, node, plan.begin)]
                found = [(arrival(luck, plan.storm_s), moment) for moment in moments]
                number = luck.choice((_as_they_come, _nearly_so, _by_moments))
                found.sort(key=partial(number, luck))
                self.of[name] = [Row(arrives_s, moment, key) for key, (arrives_s, moment) in enumerate(found, 1)]

    def _some(self, luck: Random, node: Node, begin: datetime) -> list[datetime]:
        """Return the moments of a period's rows: of one that is open when the history begins there are more."""
        low, high = self.window(node)
        count = luck.choice((0, 1, 2, 4)) + (low <= begin < high) * luck.choice((0, 8, 16)) if self._book.runs(node) else 0
        return [low + (high - low) * luck.random() for _ in range(count)]

    def window(self, node: Node) -> tuple[datetime, datetime]:
        """Return the span of time whose rows a period is made of: that of its group."""
        process, zone, group = self._book.processes[node[0]], self._book.zones[node[0]], self._book.groups[node]
        return span_of(process, zone, group[0])[0], span_of(process, zone, group[-1])[1]

    def last_s(self) -> float:
        """Return when the last row has come; 0 where none comes."""
        return max((row.arrives_s for rows in self.of.values() for row in rows), default=0.0)

    def there(self, node: Node, at_s: float) -> list[Row]:
        """Return the rows of a period that have come by then."""
        low, high = self.window(node)
        return [row for row in self.of.get(node[0], ()) if row.arrives_s <= at_s and low <= row.moment < high]

    def figures(self, node: Node, at_s: float) -> Figures | None:
        """Return what a source says of a period's rows then."""
        keys = [row.key for row in self.there(node, at_s)]
        return (min(keys), max(keys), len(keys)) if keys else None

    def has_work(self, node: Node, at_s: float) -> bool:
        """Return whether there is something to run for before a period is finalizable: of a source that has rows, always of others."""
        return node[0] not in self.of or bool(self.there(node, at_s))

    def late(self, jobs: Jobs, at_s: float, now: datetime) -> list[Node]:
        """Return the finished periods whose rows are others than their last run covered, and which are asked about for a while to come."""
        return self._late(jobs, at_s, now + _UNCLEAR)

    def perhaps_late(self, jobs: Jobs, at_s: float, now: datetime) -> list[Node]:
        """Return those of `late`, and those about which may have been asked a moment ago: whether these start anew is to be waited for."""
        return self._late(jobs, at_s, now - _UNCLEAR)

    def _late(self, jobs: Jobs, at_s: float, now: datetime) -> list[Node]:
        return [node for node in self._book.nodes if self.is_late(node, jobs, at_s) and self._is_young(node, now)]

    def is_late(self, node: Node, jobs: Jobs, at_s: float) -> bool:
        """Return whether a finished period has other rows than its last run covered."""
        is_over = state_of(jobs, node) in (JobState.PROCESSED, JobState.NOOP) and self._book.runs(node)
        is_over = is_over and jobs[node].reason != PASSED_OVER  # that has run for no rows, and is not to
        return node[0] in self.of and is_over and self.figures(node, at_s) != figures_of(jobs[node])

    def _is_young(self, node: Node, now: datetime) -> bool:
        return now - self.window(node)[1] < timedelta(seconds=self._book.processes[node[0]].late_s)


def _as_they_come(luck: Random, row: tuple[float, datetime]) -> float:
    return row[0]


def _nearly_so(luck: Random, row: tuple[float, datetime]) -> float:
    """Number rows so that some that come later come in between."""
    return row[0] + luck.uniform(0.0, 4.0)


def _by_moments(luck: Random, row: tuple[float, datetime]) -> float:
    return row[1].timestamp()


def _early_or_late(luck: Random, storm_s: float) -> float:
    kind = luck.random()
    return 0.0 if kind < 0.5 else luck.uniform(0.0, storm_s) if kind < 0.8 else luck.uniform(storm_s, storm_s + _LAST_S)


def _in_time(luck: Random, storm_s: float) -> float:
    return luck.uniform(0.0, 0.6 * storm_s)


def figures_of(job: Job) -> Figures | None:
    """Return what a job's last run covered."""
    return figures_in(job.covered)


def figures_in(slice_: str) -> Figures | None:
    """Return the figures of a slice."""
    found: Mapping[str, int] | None = json.loads(slice_) if slice_ else None
    return (found["lowest"], found["highest"], found["count"]) if found else None
