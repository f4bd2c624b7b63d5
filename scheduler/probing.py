"""Which sources are to be asked, and what did they say? Plain data between the engine and the prober beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from db.source import Extent
from scheduler.timetable import Node


@dataclass(frozen=True, slots=True)
class Question:
    """The rows of a node's window `[start, end)` are wanted. `is_closed`: the period was over when it was asked."""

    node: Node
    start: datetime
    end: datetime
    is_closed: bool


@dataclass(frozen=True, slots=True)
class Probed:
    """What a source said: `extent` None for no rows; `error` says why it could not be asked, empty when it could."""

    question: Question
    extent: Extent | None = None
    error: str = ""


class Prober(Protocol):
    """Asks sources without holding anybody up."""

    def ask(self, questions: Sequence[Question]) -> None:
        """Have sources asked; returns at once."""

    def answers(self) -> list[Probed]:
        """Return what came since the last call, one for each question at the latest when its time is up."""


class NoProber:
    """Asks nobody: for engines whose context has no sources."""

    def ask(self, questions: Sequence[Question]) -> None:
        """See Prober."""

    def answers(self) -> list[Probed]:
        """See Prober."""
        return []


class Probes:
    """What the engine has asked and heard. All of it may be forgotten: whoever leads next asks again.

    An answer is good for `fresh_s`: a job may wait long for room in its queue, and more rows come meanwhile.
    """

    def __init__(self, fresh_s: float) -> None:
        self._fresh = timedelta(seconds=fresh_s)
        self._wanted: dict[Node, Question] = {}
        self._asked: dict[Node, Question] = {}
        self._heard: dict[Node, tuple[Probed, datetime]] = {}
        self._open: Counter[str] = Counter()

    def want(self, question: Question) -> None:
        """Have a source asked after this turn, unless it is being asked."""
        if question.node not in self._asked and question.node not in self._wanted:
            self._wanted[question.node] = question
            self._open[question.node[0]] += 1

    def open(self, process: str) -> int:
        """Return how many questions about a process have no answer yet."""
        return self._open[process]

    def to_ask(self) -> list[Question]:
        """Return what is to be asked now, each once."""
        found, self._wanted = self._wanted, {}
        self._asked.update(found)
        return list(found.values())

    def hear(self, probed: Probed, now: datetime) -> bool:
        """Take an answer in; returns False for one that nobody waits for."""
        node = probed.question.node
        if self._asked.get(node) != probed.question:
            return False
        del self._asked[node]
        self._open[node[0]] -= 1
        self._heard[node] = probed, now
        return True

    def heard(self, node: Node, now: datetime) -> Probed | None:
        """Return what a node's source said, None where that is too long ago; it is when the clock was set."""
        probed, heard_at = self._heard.get(node, (None, now))
        return probed if abs(now - heard_at) <= self._fresh else None

    def use(self, node: Node) -> None:
        """Forget what a node's source said: it was decided on."""
        self._heard.pop(node, None)
