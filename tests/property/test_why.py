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
from system.lifecycle import JOB_FINISHED, JobState, UowEvent, UowState
from tests.support.simulation_book import Book, Node, state_of
from tests.support.simulation_plan import END, plan_of

_WAITS = ("children", "dependency", "in order")
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


def wrong(play: Play, book: Book, node: Node, jobs: dict[Node, Job]) -> str:
    """Return what `why` says wrongly of a period, empty where it is right."""
    why, job = play.desk.why(*node), jobs.get(node)
    waits = {cause.kind for cause in why.causes} & set(_WAITS)
    state = state_of(jobs, node)
    if state in JOB_FINISHED:
        return "" if why.kind == "finished" else f"{node} is finished, and why says {why}"
    if state is JobState.EMBRYO and not (job and job.held) and bool(waits) == book.is_open(node, jobs):
        return f"{node}: its gate is {'open' if waits else 'closed'}, and why says {why}"
    if not all(leaf.kind not in _WAITS for leaf in why.leaves()):
        return f"{node}: the last cause is no cause: {why}"
    return ""


@pytest.mark.parametrize("seed", range(12))
def test_why_equals_what_the_gates_say_at_every_turn(seed: int) -> None:
    play = Play(seed)
    book = Book(play.context, 0.0)
    for _ in range(12):
        jobs = jobs_of(play.store, play.context, book)
        assert [text for node in play.luck.sample(book.nodes, min(25, len(book.nodes))) if (text := wrong(play, book, node, jobs))] == []
        play.step()
