"""What does a worker do in one round? It learns what ended, tells the store, and takes what its slots have room for.

Whatever the store or the broker refuses for the moment is kept and tried again in a later turn; a turn never waits.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from db.model import OutputPiece, UnitOfWork
from db.store import Store
from mq.broker import Broker, Message
from system.clock import Clock
from system.context import REPORT_QUEUE, Context
from system.errors import BrokerError, SlotError, Unavailable
from system.lanes import Lane, lane_of
from workers.intake import Connect, Intake
from workers.outbox import Outbox
from workers.policy import Backoff, WorkerSettings
from workers.presence import Presence, Standing
from workers.slots import Ended, Ending, Slots
from workers.tasks import canceled, outcome_of, process_of, refused_by_context, task_of, with_what_left

log = logging.getLogger(__name__)

_HANDING_ON_S = 0.02  # how long a message is on its way to another worker, at most
_FOR_CLAIMED = 2  # moments that what was claimed may wait for a slot: to give it back and to claim it again takes longer
_GIVE_UP_S = 5.0  # how long a stopping worker tries to reach a store that is away, after everything has ended


class Worker:
    """A machine with `turn(now)`. Belongs to one thread, but for `stop`. `connect` makes a consumer of a lane's queues, if it has any."""

    def __init__(  # the ports, and the figures
        self,
        store: Store,
        broker: Broker,
        connect: Connect,
        slots: Slots,
        context: Context,
        clock: Clock,
        settings: WorkerSettings,
        presence: Presence,
    ) -> None:
        self._store = store
        self._slots = slots
        self._context = context
        self._clock = clock
        self._settings = settings
        self._presence = presence
        self._outbox = Outbox(store, broker)
        self._intake = Intake(store, connect, clock, settings)
        self._store_away = Backoff(settings.retry_first_s, settings.retry_cap_s)
        self._mute = Backoff(settings.retry_first_s, settings.retry_cap_s)
        self._slots_away = Backoff(settings.retry_first_s, settings.retry_cap_s)
        self._running: dict[str, UnitOfWork] = {}
        self._canceled: dict[str, str] = {}
        self._lost: set[str] = set()  # ended under this session, which says so by being closed
        self._starting = ""
        self._output_due_s = 0.0
        self._finished = 0
        self._ended_session = ""
        self._is_stopping = False
        self._stop_at_s: float | None = None
        self._give_up_at_s: float | None = None
        self._ends_all = False
        self.is_stopped = False

    def turn(self, now: datetime) -> float:
        """Do one round; returns after how many seconds the next one is due at the latest."""
        self._collect(now)
        if self._starting:  # an error that nobody expected: only a closed session sets free what may run or may not
            self._starting = ""
            self._presence.give_up()
        self._end_what_is_unsafe(now)
        self._end_canceled()
        if self._is_stopping:
            self._step_down(now)
        self._with_store(self._work_with_store, now)
        self._publish()
        if self._is_stopping:
            self._leave()
        # Beats go on beside a turn that hangs, so they say how old the last whole one is (fault 29).
        counts = {"running": len(self._running), "ended": self._finished, "fenced": self._outbox.fenced}
        self._presence.tell({**{name: str(count) for name, count in counts.items()}, "turn_at": now.isoformat()})
        return self._wait_s()

    def stop(self) -> None:
        """Have the next turns take nothing more, let attempts finish for a while, and leave; `is_stopped` says when. Signal-safe."""
        self._is_stopping = True

    def disconnect(self) -> None:
        """Let go of the consumer, after an error that nobody expected; the next turn makes a new one."""
        self._intake.close()

    def take_up(self, context: Context) -> None:
        """Go by a changed context from the next attempt on. What left it is still run as it was, as long as somebody asks for it."""
        self._context = with_what_left(context, self._context)

    def descriptors(self) -> list[int]:
        """Return what to wait on besides the time: ended attempts, and messages as far as there is room for them."""
        found = [self._slots.fileno()]
        if self._may_take() and not self._intake.wait_s():
            found += [self._intake.fileno(lane) for lane in Lane if self._room(lane) > 0]
        return [descriptor for descriptor in found if descriptor >= 0]

    # -- what ended

    def _collect(self, now: datetime) -> None:
        ended = self._slots.ended()
        # Asked after `ended`, so that what the slots ended on their own is known for what it is.
        standing = self._presence.standing
        for item in ended:
            self._settle(item, standing, now)
        if ended or (self._running and self._clock.monotonic() >= self._output_due_s):
            self._output_due_s = self._clock.monotonic() + self._settings.beat_s
            self._outbox.add_output([OutputPiece(o.uow_id, o.fence, o.offset, o.text) for o in self._slots.output()])

    def _settle(self, item: Ended, standing: Standing, now: datetime) -> None:
        uow = self._running.get(item.uow_id)
        if uow is None or uow.fence != item.fence:
            return
        del self._running[uow.id]
        self._finished += 1
        reason = self._canceled.pop(uow.id, None)
        if standing is Standing.LOST:
            log.warning("dropped the end of %s: its session is gone", uow.id, extra={"action": "attempt_lost", "uow": uow.id})
        elif reason is not None:
            self._outbox.add_outcome(canceled(uow, now, reason))
        elif item.ending is Ending.NOT_STARTED:
            self._outbox.add_return(uow)
        elif item.ending is Ending.ENDED and (self._is_stopping or standing is not Standing.OPEN):
            # Nothing is written: closing the session makes it a loss and not a failure.
            self._lost.add(uow.id)
            log.warning("lost %s: %s", uow.id, item.reason or item.ending.value, extra={"action": "attempt_lost", "uow": uow.id})
        else:
            self._outbox.add_outcome(outcome_of(uow, item, now))

    def _end_what_is_unsafe(self, now: datetime) -> None:
        """End what runs under a session that is over, whether the store can be reached or not."""
        standing = self._presence.standing
        if standing not in (Standing.EXPIRED, Standing.LOST):
            return
        if self._ended_session != self._presence.session:
            self._ended_session = self._presence.session
            self._end_all(f"the worker's session ended: {standing.value}", now)
            self._intake.close()
        if standing is Standing.LOST:
            self._outbox.drop_claims("its session was closed by someone else")
            self._lost.clear()
            self._intake.forget_doubts()
            self._presence.forget()

    def _end_all(self, reason: str, now: datetime) -> None:
        self._slots.end_all(reason)
        self._collect(now)
        self._running.clear()
        self._canceled.clear()

    def _end_canceled(self) -> None:
        for uow_id in self._presence.cancels():
            uow = self._running.get(uow_id)
            if uow is None:
                if not self._outbox.holds(uow_id):
                    self._intake.doubt(uow_id)
            elif uow_id not in self._canceled:
                self._canceled[uow_id] = ""
                self._slots.end(uow_id, uow.fence, "canceled")
                log.info("ending %s: it was canceled", uow_id, extra={"action": "attempt_canceled", "uow": uow_id})

    # -- the store

    def _with_store(self, step: Callable[[datetime], None], now: datetime) -> None:
        if self._store_away.wait_s(self._clock.monotonic()) > 0:
            return
        try:
            step(now)
            self._store_away.worked()
        except Unavailable as error:
            wait_s = self._store_away.failed(self._clock.monotonic())
            log.warning("the store is away, trying again in %.1f s: %s", wait_s, error, extra={"action": "store_away"})

    def _work_with_store(self, now: datetime) -> None:
        self._stand_and_write(now)
        self._publish()
        self._take(now)
        self._rest()
        if self._outbox.has_claims:
            # What was won and would not start in a moment: someone else's slot may be free.
            self._outbox.write()
            self._publish()

    def _stand_and_write(self, now: datetime) -> None:
        standing = self._presence.standing
        if standing is Standing.EXPIRED and self._ended_session == self._presence.session:
            self._outbox.write()  # what ended before its time was over counts: nobody else has claimed it, or the fence refuses
            self._close_session()
        elif standing is Standing.OPEN:
            self._look_at_doubts(now)
            self._learn_reasons()
            self._outbox.write()
        if self._presence.standing is Standing.NONE and not self._is_stopping:
            self._presence.open(now)

    def _look_at_doubts(self, now: datetime) -> None:
        for uow in self._intake.in_doubt(self._presence.session, self._is_known):
            if uow.cancel_requested:
                self._outbox.add_outcome(canceled(uow, now, uow.reason))
            else:
                self._outbox.add_return(uow)

    def _is_known(self, uow_id: str) -> bool:
        return uow_id in self._running or uow_id in self._lost or self._outbox.holds(uow_id)

    def _learn_reasons(self) -> None:
        unknown = [uow_id for uow_id, reason in self._canceled.items() if not reason]
        if unknown:
            self._canceled.update({uow.id: uow.reason or "canceled" for uow in self._store.uows(unknown)})

    def _close_session(self) -> None:
        session = self._presence.close()
        self._lost.clear()
        self._intake.forget_doubts()
        if session:
            self._outbox.add_message(Message(REPORT_QUEUE, f"session:{session}"))

    # -- the broker

    def _publish(self) -> None:
        """Tell the broker what is to be told, if it takes anything. Where it does not it may still give: the intake goes on."""
        now_s = self._clock.monotonic()
        if self._intake.wait_s() > 0 or self._mute.wait_s(now_s) > 0:
            return
        try:
            self._outbox.publish()
            self._mute.worked()
        except (BrokerError, Unavailable) as error:
            wait_s = self._mute.failed(now_s)
            log.warning("the broker took no messages, trying again in %.1f s: %s", wait_s, error, extra={"action": "broker_failed"})

    def _may_take(self) -> bool:
        now_s = self._clock.monotonic()
        is_away = self._store_away.wait_s(now_s) > 0 or self._slots_away.wait_s(now_s) > 0
        return not self._is_stopping and not is_away and self._presence.safe_s() > 0

    def _room(self, lane: Lane, moments: int = 1) -> int:
        return self._slots.room(backfill=lane is Lane.BACKFILL, moments=moments)

    def _take(self, now: datetime) -> None:
        room = self._slots.room() if self._may_take() else 0
        if room <= 0:
            return
        ids = self._intake.take(room, self._room(Lane.BACKFILL), self._running)
        if not ids:
            return
        self._rest(then=[process_of(uow_id) for uow_id in ids])
        won = self._intake.claim(ids, self._presence.session, now)
        won.reverse()
        try:
            # A claim may take so long that nothing may start any more, and a long task leaves no room behind it.
            while won and self._presence.safe_s() > 0 and self._room(lane_of(won[-1].queue), _FOR_CLAIMED) > 0:
                self._start(won.pop(), now)
        finally:
            for uow in reversed(won):
                self._outbox.add_return(uow)

    def _rest(self, then: Sequence[str] = ()) -> None:
        """Let other workers have what comes meanwhile, where all that runs here takes longer than a message takes to them.

        `then` are the processes of what is about to be claimed: what came with it had better leave before that call than after it.
        """
        for lane in Lane:
            if self._slots.busy_s(backfill=lane is Lane.BACKFILL, then=then) > _HANDING_ON_S:
                self._intake.rest(lane)

    def _start(self, uow: UnitOfWork, now: datetime) -> None:
        try:
            task = task_of(uow, self._context)
        except SlotError as error:
            log.error("can't run %s: %s", uow.id, error, extra={"action": "uow_refused", "uow": uow.id})  # noqa: TRY400  the sentence says it
            self._outbox.add_outcome(refused_by_context(uow, now, str(error)))
            return
        try:
            self._running[uow.id], self._starting = uow, uow.id
            self._slots.start(task)
            self._starting = ""
            self._slots_away.worked()
        except SlotError as error:
            del self._running[uow.id]
            self._starting = ""
            wait_s = self._slots_away.failed(self._clock.monotonic())
            log.warning("no slot for %s, trying again in %.1f s: %s", uow.id, wait_s, error, extra={"action": "slot_failed", "uow": uow.id})
            self._outbox.add_return(uow)

    # -- stopping

    def _step_down(self, now: datetime) -> None:
        now_s = self._clock.monotonic()
        if self._stop_at_s is None:
            self._stop_at_s = now_s + self._settings.stop_grace_s
            self._intake.close()
            log.info("stopping; %d attempts may finish", len(self._running), extra={"action": "worker_stopping"})
        if not self._running or now_s < self._stop_at_s:
            return
        if not self._ends_all:
            self._ends_all = True
            # The latest first: what still waits for a slot must not start because an older one has made room.
            for uow in reversed(self._running.values()):
                self._slots.end(uow.id, uow.fence, "the worker stops")
        elif now_s >= self._stop_at_s + 2 * self._settings.end_grace_s:
            self._end_all("the worker stops", now)

    def _leave(self) -> None:
        """Close the session last, when nothing runs and all is written; where the store stays away the lease will tell."""
        if self._running or self.is_stopped:
            return
        if self._give_up_at_s is None:
            self._give_up_at_s = self._clock.monotonic() + _GIVE_UP_S
        if not self._outbox.has_claims:
            self._with_store(lambda _: self._close_session(), self._clock.now())
            self._publish()
        if self._clock.monotonic() >= self._give_up_at_s:
            log.warning("stopped with the store or the broker away; what was not told will be found by the lease and the sweep")
            self.is_stopped = True
        elif self._presence.standing is Standing.NONE and not self._outbox.has_messages:
            log.info("stopped", extra={"action": "worker_stopped"})
            self.is_stopped = True

    # -- time

    def _wait_s(self) -> float:
        if self.is_stopped:
            return 0.0
        now_s = self._clock.monotonic()
        if self._may_take() and any(self._room(lane) > 0 for lane in self._intake.gave_all):
            return 0.0
        store_s, broker_s, soon_s = self._store_away.wait_s(now_s), self._intake.wait_s(), self._settings.retry_first_s
        waits = [self._settings.poll_s, store_s or self._settings.poll_s, broker_s or self._settings.poll_s]
        if self._presence.standing is Standing.OPEN:
            waits.append(self._presence.safe_s())
        else:
            waits.append(max(store_s, soon_s))
        if self._outbox.has_claims:
            waits.append(max(store_s, soon_s))
        if self._outbox.has_messages:
            waits.append(max(broker_s, self._mute.wait_s(now_s), soon_s))
        if self._stop_at_s is not None:
            waits.append(max(soon_s, self._stop_at_s - now_s))
        return max(0.0, min(waits))
