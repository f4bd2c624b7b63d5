"""Which processes live in a history? Schedulers and workers as their services run them: one thread works, another one beats."""

from __future__ import annotations

from db.model import Session
from mq.broker import Consumer
from scheduler.engine import Engine
from scheduler.setbacks import GIVES_WAY_S, gives_way
from system.context import REPORT_QUEUE
from system.errors import HorariumError, SlotError
from system.lanes import Lane, lane_of, managed_queues
from tests.support.simulation_plan import SCHEDULER
from tests.support.simulation_world import Process, World
from tests.support.virtual_slots import VirtualSlots
from workers.presence import Presence
from workers.slots import Task
from workers.worker import Worker

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0


class Scheduler(Process):
    """A scheduler process: what `scheduler.service` does, turn by turn."""

    kind = "scheduler"
    queues = (REPORT_QUEUE,)

    def __init__(self, world: World) -> None:
        self.engine: Engine | None = None
        self._session = ""
        self._is_closed = False
        self._is_stopping = False
        self._is_beating = True
        self._stays_away_until_s = 0.0
        self._pause_s = _FIRST_PAUSE_S
        self._prober = world.sources.prober(self)
        super().__init__(world)

    @property
    def leads(self) -> bool:
        """Return whether the last turn is this one's, whatever it knows itself."""
        turns = self.world.store.every_turn()
        return self.is_alive and bool(turns) and turns[-1].session == self._session

    def work(self) -> float:
        """Open a session where there is none, else do the engine's next turn."""
        try:
            if self._is_closed or self._is_stopping:
                self._leave()
                return max(0.0, self._stays_away_until_s - self.world.now_s)
            wait_s = self._open() if self.engine is None else self._turn(self.engine)
        except HorariumError:
            return self._after_error()
        if self.engine is None or not self.engine.failed_rounds:
            self._pause_s = _FIRST_PAUSE_S
        return wait_s

    def _after_error(self) -> float:
        """Return how long to pause; one that fails again and again closes its session and lets another one lead."""
        failed = self.engine.failed_rounds if self.engine else 0
        if gives_way(failed, is_beating=self._is_beating, own=self._session, sessions=self.world.store.sessions()):
            self._is_closed = True
            self.main.ring()
            self._stays_away_until_s = self.world.now_s + GIVES_WAY_S
        pause_s, self._pause_s = self._pause_s, min(_LONGEST_PAUSE_S, self._pause_s * 2)
        return pause_s

    def _turn(self, engine: Engine) -> float:
        now = self.world.clock.now()
        self.world.store.begins(self._session, now)
        return engine.turn(now)

    def beat(self) -> float:
        """Send a beat."""
        try:
            if self.engine is not None and not self._is_closed and not self.store.beat(self._session, {}).is_open:
                self._is_closed = True
            self._is_beating = True
        except HorariumError:
            self._is_beating = False
        return SCHEDULER.beat_s

    def stop(self) -> None:
        """End after the turn that is under way."""
        self._is_stopping = True
        self.main.ring()

    def next(self) -> Scheduler:
        """Start another one."""
        return Scheduler(self.world)

    def _open(self) -> float:
        world = self.world
        self.broker.declare([REPORT_QUEUE, *managed_queues(world.plan.context)])
        name = world.name("scheduler")
        self.store.open_session(Session(name, "scheduler", "box", self.pid, 0.0, world.clock.now()))
        self._session, self._is_closed = name, False
        self.engine = Engine(self.store, self.broker, world.plan.context, world.clock, SCHEDULER, session=name, prober=self._prober)
        world.engines.append(self.engine)
        return 0.0

    def _leave(self) -> None:
        """Close the session; open another one, or end."""
        if self.engine is not None:
            self.engine.close()
            self.engine = None
            try:
                self.store.close_sessions([self._session])
            except HorariumError:
                self._is_closed = False  # its lease will run out
        self._is_closed = False
        if self._is_stopping:
            self.die()


class Slots(VirtualSlots):
    """Virtual slots that can't start a child now and then."""

    def __init__(self, world: World, size: int) -> None:
        plan = world.plan
        super().__init__(
            size, world.clock, plan.attempt, ahead=plan.ahead, ending_s=plan.ending_s, marks=world.marks,
            ignore_deadline=world.ignore_deadline, kept_for_live=plan.kept_for_live(size),
        )
        self._world = world

    def start(self, task: Task) -> None:
        """See Slots."""
        world = self._world
        if world.is_stormy and "slot" in world.plan.kinds and world.luck.random() < 0.1:
            raise SlotError(f"no child for {task.uow_id}: out of memory")
        super().start(task)


class Working(Process):
    """A worker process: what `workers.service` does, turn by turn."""

    kind = "worker"

    def __init__(self, world: World, size: int) -> None:
        self.queues = tuple(managed_queues(world.plan.context))
        self._size = size
        self.slots = Slots(world, size)
        super().__init__(world)
        template = Session("", "worker", "box", self.pid, 0.0, world.clock.now(), slots=size, queues=self.queues)
        settings, context = world.plan.worker, world.plan.context
        self._presence = Presence(self.store, world.clock, self.slots, template, settings, lambda: world.name("worker"))
        self._worker = Worker(
            self.store, self.broker, self._connect, self.slots, context, world.clock, settings, self._presence
        )

    def work(self) -> float:
        """Do a turn; the next one comes when it says, or when an attempt ends."""
        world = self.world
        wait_s = self._worker.turn(world.clock.now())
        if self._worker.is_stopped:
            self.die()
            return wait_s
        next_s = self.slots.next_s()
        return wait_s if next_s is None else min(wait_s, max(0.0, next_s - world.now_s))

    def beat(self) -> float:
        """Beat where it is time; wake the other thread where there is news."""
        wait_s = self._presence.turn(self.world.clock.now())
        if self._presence.has_news():
            self.main.ring()
        return wait_s

    def stop(self) -> None:
        """Take nothing more, and end when all is done."""
        self._worker.stop()
        self.main.ring()

    def end(self) -> None:
        """Slots die with their worker."""
        self.slots.kill()

    def next(self) -> Working:
        """Start another one."""
        return Working(self.world, self._size)

    def _connect(self, lane: Lane) -> Consumer:
        queues = [queue for queue in self.queues if lane_of(queue) is lane]
        self.broker.declare([*queues, REPORT_QUEUE])
        return self.broker.consumer(queues)
