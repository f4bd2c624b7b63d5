"""In what world does a history go? One loop, one clock: what is due first happens first.

A call that is slow lets the others go on while its caller's thread stands still, so that a leader may sleep between deciding and
inserting. Nothing in here reads a real clock, or draws a chance from anywhere but the seed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from heapq import heappop, heappush
from math import inf
from random import Random
from typing import Any, Protocol

from db.model import Command
from db.store import Store
from mq.broker import Broker, BrokerFacts, Consumer, Message
from mq.memory import MemoryBroker
from scheduler.engine import Engine
from scheduler.probing import Prober
from system.clock import ManualClock
from system.context import REPORT_QUEUE
from system.errors import Unavailable
from system.lanes import Lane, lane_of, managed_queues
from tests.support.mortal import Act, Death, Toll, behind_toll
from tests.support.simulation_book import Book, Violation
from tests.support.simulation_catchup import Missed
from tests.support.simulation_oracle import WatchedStore
from tests.support.simulation_plan import SCHEDULER, Plan
from tests.support.simulation_rows import Answer, Rows
from tests.support.virtual_slots import Mark

MOST_CALLS = 60_000
_DEEPEST = 3


class Weather(Protocol):
    """What may happen to a call."""

    def strike(self, process: Process, port: str, name: str, act: Act) -> Any:
        """Let a call happen, or what its luck has for it."""
        ...


class Asked(Protocol):
    """Whom schedulers ask for rows."""

    given: list[Answer]

    def prober(self, process: Process) -> Prober:
        """Return what a scheduler process asks by."""
        ...


class WallClock(ManualClock):
    """A clock that remembers the latest time that it ever showed: what has been seen to be over is over for whoever saw it."""

    def __init__(self, begin: datetime) -> None:
        super().__init__(begin)
        self._latest = begin
        self._known = [(self.monotonic(), begin)]

    @property
    def latest(self) -> datetime:
        """The latest time that it has shown."""
        return max(self._latest, self.now())

    @property
    def jumps_s(self) -> list[float]:
        """When it was set, by `monotonic`."""
        return [since_s for since_s, _ in self._known[1:]]

    def jump(self, seconds: float) -> None:
        """See ManualClock."""
        self._latest = self.latest
        super().jump(seconds)
        self._known.append((self.monotonic(), self.now()))

    def reached_s(self, moment: datetime) -> float:
        """Return when, by `monotonic`, it first showed `moment` or later; never is infinite."""
        ends_s = [since_s for since_s, _ in self._known[1:]] + [self.monotonic()]
        for (since_s, shown), end_s in zip(self._known, ends_s, strict=True):
            reached_s = since_s + max(0.0, (moment - shown).total_seconds())
            if reached_s <= end_s:
                return reached_s
        return inf


class World:
    """Everything that a history is made of. `run` plays what is due; it may be called again from within a call that takes its time."""

    def __init__(self, plan: Plan, *, ignore_deadline: bool = False) -> None:
        self.plan = plan
        self.ignore_deadline = ignore_deadline
        self.clock = WallClock(plan.begin)
        self.luck = Random(f"world {plan.seed}")
        self.book = Book(plan.context, SCHEDULER.history_s)
        self.store = WatchedStore(self.clock, self.book, lambda: self.clock.latest)
        self.store.opens_at_once = plan.opens_at_once
        self.book.is_missed = Missed(self.book, self.store).holds
        self.broker = MemoryBroker()
        self.marks: list[Mark] = []
        self.plans: list[str] = []  # the verbs of the commands that were compared with their plans
        self.engines: list[Engine] = []
        self.processes: list[Process] = []
        self.weather: Weather
        self.sources: Asked
        self.rows = Rows(self.book, plan)
        self.book.has_work = lambda node: self.rows.has_work(node, self.now_s)
        self.away_until_s: defaultdict[str, float] = defaultdict(float)
        self.is_stormy = True
        self.calls = 0
        self.depth = 0
        self.names = 0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0
        self.broker.declare([REPORT_QUEUE, *managed_queues(plan.context)])

    @property
    def now_s(self) -> float:
        """The virtual time that has passed."""
        return self.clock.monotonic()

    def name(self, what: str) -> str:
        """Return a name that nothing else has."""
        self.names += 1
        return f"{what}-{self.names}"

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Have `act` called when `seconds` have passed."""
        self._number += 1
        heappush(self._due, (self.now_s + max(0.0, seconds), self._number, act))

    def run(self, until_s: float) -> None:
        """Play all that is due until then."""
        self.depth += 1
        try:
            while self._due and self._due[0][0] <= until_s:
                moment, _, act = heappop(self._due)
                self.clock.sleep(moment - self.now_s)
                act()
            self.clock.sleep(until_s - self.now_s)
        finally:
            self.depth -= 1

    def may_freeze(self) -> bool:
        """Return whether one more caller may stand still while the others go on."""
        return self.depth < _DEEPEST

    def count_call(self) -> None:
        """Note a call to a port; raises Violation where there seems to be no end of them."""
        self.calls += 1
        if self.calls > MOST_CALLS:
            raise Violation(f"no end after {MOST_CALLS} calls")

    def ring(self, queue: str) -> None:
        """Wake those who listen to `queue`, in a moment."""
        for process in self.processes:
            if process.is_alive and queue in process.queues:
                process.main.ring(0.001)

    def waiting_live(self) -> list[str]:
        """Return the units of work whose messages wait in a queue of live work."""
        queues = [queue for queue in managed_queues(self.plan.context) if lane_of(queue) is Lane.LIVE]
        return [body for queue in queues for _, _, body in self.broker._waiting[queue]]

    def give(self, verb: str, process: str, timeperiod: str, until: str = "") -> None:
        """Give an operator's command."""
        why = f"command at {self.now_s:.3f}"
        number = self.store.add_command(Command(verb, process, timeperiod, "ann", why, self.clock.now(), until=until))
        if self.luck.random() < 0.7:
            self.broker.publish([Message(REPORT_QUEUE, f"command:{number}")])
            self.ring(REPORT_QUEUE)


class Thread:
    """One thread of a process: a turn that is called again after the seconds that it returned, or when it is rung."""

    def __init__(self, world: World, process: Process, turn: Callable[[], float]) -> None:
        self._world, self._process, self._turn = world, process, turn
        self._due_s = inf
        self._is_busy = False
        self._was_rung = False

    def ring(self, seconds: float = 0.0) -> None:
        """Have the next turn in `seconds`, or earlier where it is due earlier."""
        moment = self._world.now_s + seconds
        if self._is_busy:
            self._was_rung = True
        elif moment < self._due_s:
            self._due_s = moment
            self._world.after(seconds, partial(self._fire, moment))

    def _fire(self, moment: float) -> None:
        if moment != self._due_s or not self._process.is_alive:
            return
        self._due_s = inf
        frozen_s = self._process.frozen_until_s - self._world.now_s
        if frozen_s > 0:
            self.ring(frozen_s)
            return
        self._is_busy = True
        self._was_rung = False
        try:
            wait_s = self._turn()
        except Death:
            self._process.die()
            return
        except Exception as error:
            raise Violation(f"{self._process.kind} {self._process.pid} raised {error!r}") from error
        finally:
            self._is_busy = False
        if self._process.is_alive:
            self.ring(0.0005 if self._was_rung else max(0.0005, wait_s))


class Process:
    """One operating system's process: its threads share its fate. Subclasses give `main` and `beats` their turns."""

    kind = ""
    queues: tuple[str, ...] = ()

    def __init__(self, world: World) -> None:
        self.world = world
        self.pid = len(world.processes) + 1
        self.is_alive = True
        self.frozen_until_s = 0.0
        self.away_until_s = 0.0
        self.doom: tuple[int, bool] | None = None
        self._links = FlakyBroker(world, partial(self._toll, "broker"))
        self.store: Store = behind_toll(Store, world.store, partial(self._toll, "store"))  # type: ignore[type-abstract]
        self.broker: Broker = behind_toll(Broker, self._links, partial(self._toll, "broker"))  # type: ignore[type-abstract]
        self.main = Thread(world, self, self.work)
        self.beats = Thread(world, self, self.beat)
        world.processes.append(self)
        self.main.ring()
        self.beats.ring()

    def work(self) -> float:
        """Do a turn of the thread that works."""
        raise NotImplementedError

    def beat(self) -> float:
        """Do a turn of the thread that beats."""
        raise NotImplementedError

    def stop(self) -> None:
        """Be asked to end in order."""
        raise NotImplementedError

    def end(self) -> None:
        """End what dies with the process."""

    def next(self) -> Process:
        """Return what the supervisor starts in the place of this one."""
        raise NotImplementedError

    def die(self) -> None:
        """Be gone, now; what the supervisor does about it follows."""
        if not self.is_alive:
            return
        self.is_alive = False
        self.end()
        self._links.drop()
        for queue in self.queues:
            self.world.ring(queue)
        world = self.world
        if not self.misses_supervisor():
            world.after(world.luck.uniform(0.05, 1.0), self._close_sessions)
        world.after(world.luck.uniform(0.2, 3.0), lambda: (self.next(), None)[1])

    def misses_supervisor(self) -> bool:
        """Return whether the whole box is gone, so that the lease must find out."""
        return self.world.is_stormy and self.world.luck.random() < 0.3

    def _close_sessions(self) -> None:
        dead = [session.id for session in self.world.store.sessions() if session.pid == self.pid]
        self.world.store.close_sessions(dead)
        self.world.broker.publish([Message(REPORT_QUEUE, f"session:{name}") for name in dead])
        self.world.ring(REPORT_QUEUE)

    def _toll(self, port: str, name: str, act: Act) -> object:
        self._live()
        self.world.count_call()
        if self.doom is not None:
            calls, is_after = self.doom
            self.doom = (calls - 1, is_after)
            if calls <= 0:
                if is_after:
                    act()
                self.die()
                raise Death(name)
        if self.world.now_s < max(self.away_until_s, self.world.away_until_s[port]):
            raise Unavailable(f"the {port} is away")
        answer = self.world.weather.strike(self, port, name, act)
        self._live()
        return answer

    def _live(self) -> None:
        """Stand still while frozen; raise Death where somebody ended the process meanwhile."""
        while self.is_alive and self.world.now_s < self.frozen_until_s and self.world.may_freeze():
            self.world.run(self.frozen_until_s)
        if not self.is_alive:
            raise Death("ended meanwhile")


class FlakyBroker(Broker):
    """What one process has of the broker: its consumers end with it, and messages get lost, doubled, late and out of order."""

    def __init__(self, world: World, toll: Toll) -> None:
        self._world = world
        self._toll = toll
        self._consumers: list[Consumer] = []

    def drop(self) -> None:
        """Let the process's connections go: what it did not acknowledge comes back."""
        for consumer in self._consumers:
            consumer.close()

    def prepare(self) -> None:
        """See Broker."""

    def close(self) -> None:
        """See Broker."""

    def describe(self, queues: Sequence[str]) -> BrokerFacts:
        """See Broker."""
        return self._world.broker.describe(queues)

    def mend(self) -> None:
        """See Broker."""

    def declare(self, queues: Sequence[str]) -> None:
        """See Broker."""
        self._world.broker.declare(queues)

    def publish(self, messages: Sequence[Message]) -> None:
        """See Broker."""
        for message in messages:
            for delay_s in self._delays():
                self._world.after(delay_s, partial(self._send, message))

    def foretell(self, messages: Sequence[Message]) -> None:
        """See Broker. In some histories only: the others are the same as before there was this verb."""
        if self._world.plan.foretells:
            for message in messages:
                self._world.after(0.001, partial(self._send, message))

    def consumer(self, queues: Sequence[str]) -> Consumer:
        """See Broker."""
        inner = self._world.broker.consumer(queues)
        self._consumers.append(inner)
        return behind_toll(Consumer, inner, self._toll)  # type: ignore[type-abstract]

    def depths(self, queues: Sequence[str]) -> dict[str, int]:
        """See Broker."""
        return self._world.broker.depths(queues)

    def purge(self, queue: str) -> int:
        """See Broker."""
        return self._world.broker.purge(queue)

    def _delays(self) -> list[float]:
        """Return after how long each copy of a message arrives."""
        luck = self._world.luck
        if not self._world.is_stormy or "messages" not in self._world.plan.kinds or luck.random() > 0.25:
            return [0.001]
        return luck.choice(([], [0.001, 0.001], [luck.uniform(0.0, 0.5)], [luck.uniform(0.0, 8.0)], [0.001, luck.uniform(0.0, 8.0)]))

    def _send(self, message: Message) -> None:
        self._world.broker.publish([message])
        self._world.ring(message.queue)
