"""Does `why` say exactly what the engine waits for? The desk, which reads nothing but the store, against gates by brute force."""

from __future__ import annotations

from random import Random

from db.model import Turn
from mq.memory import MemoryBroker
from scheduler.blockers import Blocker
from scheduler.desk import Desk
from system.clock import Clock
from system.lifecycle import JOB_FINISHED
from tests.support.simulation_book import Book, Node, must, state_of
from tests.support.simulation_oracle import WatchedStore
from tests.support.simulation_plan import SCHEDULER, Plan
from tests.support.simulation_reasons import WAITS, Reasons

SAMPLED, ALL_EVERY = 2, 48


def wrong_why(desk: Desk, reasons: Reasons, node: Node) -> str:
    """Return what `why` says wrongly of a period, empty where it is right."""
    why = desk.why(*node)
    if state_of(reasons.jobs, node) in JOB_FINISHED:
        return "" if why.kind == "finished" else f"{node} is finished, and why says {why}"
    if fault := reasons.said(node).fault(why.causes):
        return f"{node} waits for {fault}, and why says {why}"
    if not all(reasons.is_unfinished_input(node, cause) for cause in _named(why) if cause.kind in WAITS):
        return f"{node} does not wait for that: {why}"
    if not all(leaf.kind not in WAITS for leaf in why.leaves()):
        return f"{node}: the last cause is no cause: {why}"
    return ""


def _named(why: Blocker) -> list[Blocker]:
    """Return the first causes; of several of which one is enough, each of them."""
    return [each for cause in why.causes for each in (_parts(cause) or [cause])]


def _parts(cause: Blocker) -> list[Blocker]:
    return [part for part in cause.causes if part.kind in WAITS]


class Asker:
    """Asks why after every turn of a history: of a few periods, and now and then of all of them. Has luck of its own."""

    def __init__(self, plan: Plan, book: Book, store: WatchedStore, clock: Clock) -> None:
        self._book, self._store, self._clock = book, store, clock
        self._luck = Random(f"why {plan.seed}")
        self._desk = Desk(store, MemoryBroker(), plan.context, clock, SCHEDULER)
        self.asked = 0

    def ask(self, turn: Turn) -> None:
        """Ask, once a turn that none has followed yet is in the store as a whole; raises Violation where an answer is wrong."""
        if self._store.turns_after(turn.number, 1):
            return
        nodes = self._luck.sample(self._book.nodes, min(SAMPLED, len(self._book.nodes))) if turn.number % ALL_EVERY else self._book.nodes
        reasons = Reasons.of(self._store, self._book, self._store.every_job(), self._clock.now())
        asked = [node for node in nodes if self._book.runs(node)]
        self.asked += len(asked)
        wrong = [text for node in asked if (text := wrong_why(self._desk, reasons, node))]
        must(not wrong, "after turn", turn.number, *wrong[:2])
