"""Does `why` say what the engine waits for? At every turn of random timetables, against gates that are worked out by brute force."""

from __future__ import annotations

from random import Random

import pytest

from db.memory import MemoryStore
from db.model import Job, Outcome, Session
from mq.memory import MemoryBroker
from scheduler.desk import Desk
from scheduler.engine import Engine
from scheduler.policy import SchedulerSettings
from system.clock import ManualClock
from system.context import REPORT_QUEUE, Context
from system.lanes import managed_queues
from system.lifecycle import UowEvent, UowState
from tests.support.simulation_book import Book, Node
from tests.support.simulation_plan import END, plan_of
from tests.support.simulation_why import wrong_why

_EVENTS = (UowEvent.DONE, UowEvent.DONE, UowEvent.EMPTY, UowEvent.FAILED)


class Play:
    """A scheduler over a random context whose periods are all due, and a worker that finishes some of what is requested by chance."""

    def __init__(self, seed: int) -> None:
        self.luck, self.context = Random(seed), plan_of(seed).context
        self.store, self.broker, self.clock = MemoryStore(), MemoryBroker(), ManualClock(END)
        self.clock.sleep(7_200)
        self.broker.declare([REPORT_QUEUE, *managed_queues(self.context)])
        for kind in ("scheduler", "worker"):
            self.store.open_session(Session(kind, kind, "box", 1, 0.0, END, slots=4))
        self.engine = Engine(self.store, self.broker, self.context, self.clock, SchedulerSettings(), session="scheduler")
        self.desk = Desk(self.store, self.broker, self.context, self.clock, SchedulerSettings())
        self.engine.turn(self.clock.now())

    def step(self) -> None:
        """Finish some of what is requested, and let the engine do its turns."""
        ids = [job.uow_id for job in self.store.active_jobs() if job.uow_state is UowState.REQUESTED]
        for uow in self.store.claim(self.luck.sample(ids, min(len(ids), 3)), "worker", self.clock.now()):
            event = self.luck.choice(_EVENTS)
            failures = uow.failures + (event is UowEvent.FAILED)
            self.store.finish([Outcome(uow.id, uow.session, uow.fence, event, self.clock.now(), failures, reason="by chance")])
        self.clock.sleep(5.0)
        self.engine.turn(self.clock.now())
        self.engine.turn(self.clock.now())


def jobs_of(store: MemoryStore, context: Context, book: Book) -> dict[Node, Job]:
    return {(j.process, j.timeperiod): j for name in context.managed for j in store.jobs(name, [t for p, t in book.nodes if p == name])}


@pytest.mark.parametrize("seed", range(12))
def test_why_equals_what_the_gates_say_at_every_turn(seed: int) -> None:
    play = Play(seed)
    book = Book(play.context, 0.0)
    for _ in range(12):
        jobs = jobs_of(play.store, play.context, book)
        asked = play.luck.sample(book.nodes, min(25, len(book.nodes)))
        assert [text for node in asked if (text := wrong_why(play.desk, book, node, jobs))] == []
        play.step()
