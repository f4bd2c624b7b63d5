"""Does `why` say what the engine waits for? The desk, which reads nothing but the store, against gates by brute force."""

from __future__ import annotations

from datetime import datetime
from random import Random

from db.model import Turn
from mq.memory import MemoryBroker
from scheduler.desk import Desk
from system.clock import Clock
from system.lifecycle import JOB_FINISHED, JobState
from tests.support.simulation_book import Book, Jobs, Node, must, state_of
from tests.support.simulation_oracle import WatchedStore
from tests.support.simulation_plan import SCHEDULER, Plan

SAMPLED, ALL_EVERY = 2, 24
_WAITS = ("children", "dependency", "in order")


def wrong_why(desk: Desk, book: Book, node: Node, jobs: Jobs) -> str:
    """Return what `why` says wrongly of a period that is due, empty where it is right."""
    why, job = desk.why(*node), jobs.get(node)
    waits = {cause.kind for cause in why.causes} & set(_WAITS)
    state = state_of(jobs, node)
    if state in JOB_FINISHED:
        return "" if why.kind == "finished" else f"{node} is finished, and why says {why}"
    if book.is_missed(node, jobs):
        is_waiting = bool(book.missing(node, jobs))  # it ends after what it is made of, whatever its gate
    else:
        is_waiting = not (book.is_open(node, jobs) or book.is_shut_for_good(node, jobs))
    if state is JobState.EMBRYO and not (job and job.held) and bool(waits) != is_waiting:
        return f"{node}: its gate is {'closed' if is_waiting else 'open'}, and why says {why}"
    if not all(leaf.kind not in _WAITS for leaf in why.leaves()):
        return f"{node}: the last cause is no cause: {why}"
    return ""


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
        jobs, now = self._store.every_job(), self._clock.now()
        unclear = {switch.process for switch in self._store.switches() if switch.frequency}  # when they are due, their schedules say
        unclear |= {name for name, process in self._book.processes.items() if not process.trigger_frequency.startswith("every")}
        asked = [node for node in nodes if node[0] not in unclear and self._is_due(node, now)]
        self.asked += len(asked)
        wrong = [text for node in asked if (text := wrong_why(self._desk, self._book, node, jobs))]
        must(not wrong, "after turn", turn.number, *wrong[:2])

    def _is_due(self, node: Node, now: datetime) -> bool:
        return self._book.runs(node) and self._book.close(node) <= now
