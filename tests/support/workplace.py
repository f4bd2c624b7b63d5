"""How does a test get a worker to look at? One on the memory pair, with virtual slots and a store and a broker that can be away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from db.memory import MemoryStore
from db.model import BeatAnswer, Cancel, Outcome, OutputPiece, Session, UnitOfWork, UowMove
from mq.broker import Consumer, Delivery, Message
from mq.memory import MemoryBroker
from system.clock import ManualClock
from system.context import REPORT_QUEUE, Context
from system.errors import BrokerError, Unavailable
from system.lanes import Lane
from system.lifecycle import UowEvent, UowState
from system.reports import named_in
from tests.support.builders import session, turn, uow
from tests.support.contexts import context_of
from tests.support.virtual_slots import Plan, VirtualSlots
from workers.policy import WorkerSettings
from workers.presence import Presence
from workers.slots import Ending, Task
from workers.worker import Worker

QUEUE = "queue_flights_hourly"
BACKFILL_QUEUE = "queue_flights_hourly_backfill"
SETTINGS = WorkerSettings()


def taking(duration_s: float, ending: Ending = Ending.DONE, rows: int | None = 7) -> Plan:
    """Return the plan by which every attempt takes that long and ends that way."""

    def plan(_: Task) -> tuple[float, Ending, int | None]:
        return duration_s, ending, rows

    return plan


class ShakyStore(MemoryStore):
    """A store whose verbs in `away` do nothing and fail; those in `mute` work, but their answer is lost.

    Notes its calls in `journal`, and tells `at_call` of each.
    """

    def __init__(self, journal: list[str]) -> None:
        super().__init__()
        self.away: set[str] = set()
        self.mute: set[str] = set()
        self.at_call: Callable[[str], None] | None = None
        self._journal = journal

    def _enter(self, verb: str) -> None:
        self._journal.append(verb)
        if self.at_call is not None:
            self.at_call(verb)
        if verb in self.away or "everything" in self.away:
            raise Unavailable(f"the store is away: {verb}")

    def _leave(self, verb: str) -> None:
        if verb in self.mute:
            raise Unavailable(f"the answer was lost: {verb}")

    def uows(self, ids: Sequence[str]) -> list[UnitOfWork]:
        self._enter("uows")
        return super().uows(ids)

    def claim(self, ids: Sequence[str], session: str, at: datetime) -> list[UnitOfWork]:
        self._enter("claim")
        won = super().claim(ids, session, at)
        self._leave("claim")
        return won

    def give_back(self, claims: Sequence[UnitOfWork]) -> list[str]:
        self._enter("give_back")
        given = super().give_back(claims)
        self._leave("give_back")
        return given

    def finish(self, outcomes: Sequence[Outcome]) -> list[str]:
        self._enter("finish")
        written = super().finish(outcomes)
        self._leave("finish")
        return written

    def append_output(self, pieces: Sequence[OutputPiece]) -> None:
        self._enter("append_output")
        super().append_output(pieces)

    def open_session(self, session: Session) -> None:
        self._enter("open_session")
        super().open_session(session)
        self._leave("open_session")

    def close_sessions(self, ids: Sequence[str]) -> None:
        self._enter("close_sessions")
        super().close_sessions(ids)

    def beat(self, session_id: str, facts: dict[str, str]) -> BeatAnswer:
        self._enter("beat")
        return super().beat(session_id, facts)


class ShakyBroker(MemoryBroker):
    """A broker that fails while `is_away`, and takes no messages while `is_full`; `connections` counts its consumers, `rests` by queue
    how often a consumer said that it has no time. Acknowledgements go into `journal`.
    """

    def __init__(self, journal: list[str]) -> None:
        super().__init__()
        self.is_away = self.is_full = False
        self.connections = 0
        self.rests: Counter[str] = Counter()
        self.journal = journal

    def publish(self, messages: Sequence[Message]) -> None:
        self.look()
        if self.is_full:
            raise BrokerError("the broker takes no messages just now")
        super().publish(messages)

    def consumer(self, queues: Sequence[str]) -> Consumer:
        self.look()
        self.connections += 1
        return _ShakyConsumer(self, super().consumer(queues), queues)

    def look(self) -> None:
        if self.is_away:
            raise BrokerError("the broker is away")


class _ShakyConsumer(Consumer):
    def __init__(self, broker: ShakyBroker, consumer: Consumer, queues: Sequence[str]) -> None:
        self._broker = broker
        self._consumer = consumer
        self._queues = queues

    def fileno(self) -> int:
        return self._consumer.fileno()

    def take(self, limit: int) -> list[Delivery]:
        self._broker.look()
        self._broker.rests.update(self._queues if limit == 0 else ())
        return self._consumer.take(limit)

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        self._broker.look()
        self._broker.journal.append("acknowledge")
        self._consumer.acknowledge(deliveries)

    def close(self) -> None:
        self._consumer.close()


class NotedSlots(VirtualSlots):
    """Virtual slots that note what is started."""

    journal: list[str]
    tasks: list[Task]

    def start(self, task: Task) -> None:
        self.journal.append("start")
        self.tasks.append(task)
        super().start(task)


class Workplace:
    """One worker and its surroundings. `journal` lists calls of the ports in their order."""

    def __init__(
        self, plan: Plan | None = None, *, size: int = 2, context: Context | None = None, settings: WorkerSettings = SETTINGS, **slots: Any
    ) -> None:
        self.journal: list[str] = []
        self.clock = ManualClock()
        self.store = ShakyStore(self.journal)
        self.broker = ShakyBroker(self.journal)
        self.broker.declare([QUEUE, BACKFILL_QUEUE, REPORT_QUEUE])
        self.has_backfill = False  # whether the worker also reads the other lane
        self.context = context or context_of({"flights": ["hourly"]})
        self.slots = NotedSlots(size, self.clock, plan or taking(1.0), **slots)
        self.slots.journal, self.slots.tasks = self.journal, []
        ids = iter(f"worker-{n}" for n in range(1, 1_000))
        self.presence = Presence(self.store, self.clock, self.slots, session(""), settings, lambda: next(ids))
        self.worker = Worker(
            self.store, self.broker, self._connect, self.slots, self.context, self.clock, settings, self.presence
        )
        self._turns = 0

    def open(self, *hours: int, process: str = "flights_hourly") -> list[str]:
        """Open units of work for these hours of a day, publish them, and return their ids."""
        periods = [f"20240101{hour:02}" for hour in hours]
        opened = [
            uow(f"{process}/{period}/1/1", start_timeperiod=period, end_timeperiod=f"20240101{hour + 1:02}", queue=QUEUE)
            for period, hour in zip(periods, hours, strict=True)
        ]
        self.project(opened=opened)
        ids = [one.id for one in opened]
        self.say(*ids)
        return ids

    def say(self, *bodies: str) -> None:
        """Publish messages on the worker's queue."""
        MemoryBroker.publish(self.broker, [Message(QUEUE, body) for body in bodies])

    def project(self, **fields: Any) -> None:
        """Apply a turn of the engine."""
        self._turns += 1
        self.store.project(turn(self._turns + 1, **fields), [])

    def cancel(self, uow_id: str, reason: str = "ann: wrong input") -> None:
        """Have the engine ask for the end of a unit of work."""
        self.project(cancels=[Cancel(uow_id, reason)])

    def void(self, uow_id: str) -> None:
        """Have the engine call a claim lost."""
        found = self.uow(uow_id)
        self.project(moves=[UowMove(uow_id, UowState.IN_PROGRESS, UowEvent.LOST, found.fence, found.losses + 1)])

    def turn(self) -> float:
        """Let the worker do one round."""
        return self.worker.turn(self.clock.now())

    def beat(self) -> None:
        """Let the beat thread send a beat."""
        self.presence.beat(self.clock.now())

    def go_on(self, seconds: float, *, step_s: float = 0.5) -> None:
        """Let time pass, with beats and rounds as they come due."""
        for _ in range(round(seconds / step_s)):
            self.clock.sleep(step_s)
            self.presence.turn(self.clock.now())
            self.turn()

    def uow(self, uow_id: str) -> UnitOfWork:
        """Return a unit of work as the store has it."""
        return MemoryStore.uows(self.store, [uow_id])[0]

    def state(self, uow_id: str) -> UowState:
        """Return the state of a unit of work as the store has it."""
        return self.uow(uow_id).state

    def sessions(self) -> list[str]:
        """Return the ids of the open sessions."""
        return [found.id for found in self.store.sessions()]

    def _connect(self, lane: Lane) -> Consumer | None:
        if lane is Lane.LIVE:
            return self.broker.consumer([QUEUE])
        return self.broker.consumer([BACKFILL_QUEUE]) if self.has_backfill else None

    def depth(self) -> int:
        """Return how many messages wait on the worker's queue."""
        return self.broker.depths([QUEUE])[QUEUE]

    def reports(self) -> list[str]:
        """Take what was reported since the last call."""
        consumer = MemoryBroker.consumer(self.broker, [REPORT_QUEUE])
        found = consumer.take(1_000)
        consumer.acknowledge(found)
        return [text for delivery in found for text in (named_in(delivery.body) or [delivery.body])]
