"""How does a test play any timetable by hand? A scheduler over a random context, a worker that ends by chance, an operator who steers."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from db.memory import MemoryStore
from db.model import Command, Job, Outcome, Session
from mq.memory import MemoryBroker
from scheduler.desk import Desk
from scheduler.engine import Engine
from scheduler.policy import SchedulerSettings
from system.clock import ManualClock
from system.context import REPORT_QUEUE, Context
from system.lanes import managed_queues
from system.lifecycle import UowEvent, UowState
from system.timeperiod import parse
from tests.support.simulation_book import Book, Node
from tests.support.simulation_catchup import Missed
from tests.support.simulation_plan import END, MIDNIGHT, plan_of
from tests.support.simulation_reasons import Reasons
from tests.support.simulation_why import wrong_why

_EVENTS = (UowEvent.DONE, UowEvent.DONE, UowEvent.EMPTY, UowEvent.FAILED)
_VERBS = ("reprocess", "reprocess", "skip", "hold", "release", "trigger", "cancel")
_SETTINGS = SchedulerSettings(timetable_start="2024013100", sweep_s=1.0, lease_s=1e9)


class RandomPlay:
    """The context of history number `seed`. All of its periods are due, or its clock stands in their midst and goes on by hours."""

    def __init__(self, seed: int, *, all_due: bool = True) -> None:
        self.luck, drawn = Random(f"play {seed}"), plan_of(seed).context
        self.context = Context(tuple(drawn.managed.values()), drawn.trees)
        begin = END + timedelta(hours=2) if all_due else MIDNIGHT + timedelta(hours=self.luck.randint(-4, 1))
        self.store, self.broker, self.clock = MemoryStore(), MemoryBroker(), ManualClock(begin)
        self.broker.declare([REPORT_QUEUE, *managed_queues(self.context)])
        for kind in ("scheduler", "worker"):
            self.store.open_session(Session(kind, kind, "box", 1, 0.0, begin, slots=4, queues=tuple(managed_queues(self.context))))
        self.engine = Engine(self.store, self.broker, self.context, self.clock, _SETTINGS, session="scheduler")
        self.desk = Desk(self.store, self.broker, self.context, self.clock, _SETTINGS)
        self.book = Book(self.context, _SETTINGS.history_s)
        self.book.is_missed = Missed(self.book, self.store).holds
        self.engine.turn(self.now)
        self.engine.turn(self.now)

    @property
    def now(self) -> datetime:
        """The time."""
        return self.clock.now()

    def step(self) -> None:
        """Let a little time pass, finish some of what is requested, give a command now and then, and let the engine do its turns."""
        ids = [job.uow_id for job in self.store.active_jobs() if job.uow_state is UowState.REQUESTED]
        for uow in self.store.claim(self.luck.sample(ids, min(len(ids), 3)), "worker", self.now):
            if self.luck.random() < 0.2:
                continue  # it goes on
            event = self.luck.choice(_EVENTS)
            failures = uow.failures + (event is UowEvent.FAILED)
            self.store.finish([Outcome(uow.id, uow.session, uow.fence, event, self.now, failures, reason="by chance")])
        self.engine.turn(self.now)
        if self.luck.random() < 0.6:  # what is reported in the same turn as a command is carried out, no desk could know
            self.command()
        self.clock.sleep(self.luck.choice((1.0, 5.0, 5.0, 1_800.0)))
        for _ in range(2):
            self.engine.turn(self.now)

    def command(self) -> None:
        """Give a command about a period or a range of them, mostly of what is under way or was."""
        process, timeperiod = self.luck.choice(self._touched() if self.luck.random() < 0.6 else self.book.nodes)
        verb, length = self.luck.choice(_VERBS), self.luck.choice((0, 0, 2, 4, 30))
        until = parse(self.context.managed[process].qualifier, timeperiod).shift(length).id if length else ""
        self.store.add_command(Command(verb, process, timeperiod, "ann", "test", self.now, until=until))

    def _touched(self) -> list[Node]:
        return list(self.jobs()) or self.book.nodes

    def jobs(self) -> dict[Node, Job]:
        """Return all records of jobs."""
        periods = {name: [text for process, text in self.book.nodes if process == name] for name in self.context.managed}
        return {(job.process, job.timeperiod): job for name, found in periods.items() for job in self.store.jobs(name, found)}

    def wrong_whys(self, most: int) -> list[str]:
        """Return what `why` says wrongly of some periods."""
        reasons, nodes = Reasons.of(self.store, self.book, self.jobs(), self.now), [n for n in self.book.nodes if self.book.runs(n)]
        return [text for node in self.luck.sample(nodes, min(most, len(nodes))) if (text := wrong_why(self.desk, reasons, node))]
