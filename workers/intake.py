"""Which messages has the worker taken, and which claims did they win?

A message is acknowledged as soon as its claim is decided, before any work starts (faults 6 and 10). What could not be claimed because
the store was away stays unacknowledged: it is tried again, or comes back to others when the consumer is closed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Container, Sequence
from datetime import datetime

from db.model import UnitOfWork
from db.store import Store
from mq.broker import Consumer, Delivery
from system.clock import Clock
from system.errors import BrokerError, StoreError, Unavailable
from system.lanes import Lane, lane_of
from system.lifecycle import UowState
from workers.policy import Backoff, WorkerSettings
from workers.tasks import is_uow_id

log = logging.getLogger(__name__)


# Makes a consumer of a lane's queues, if there are any.
Connect = Callable[[Lane], Consumer | None]


class Intake:
    """A consumer for each lane, made anew when the broker fails, and the claims made with them. Belongs to the work thread.

    Live work goes before backfill. `gave_all` are the lanes that gave all that they were last asked for: there may be more.
    """

    def __init__(self, store: Store, connect: Connect, clock: Clock, settings: WorkerSettings) -> None:
        self._store = store
        self._connect = connect
        self._clock = clock
        self._backoff = Backoff(settings.retry_first_s, settings.retry_cap_s)
        self._doubt_s = settings.lease_s
        self._consumers: dict[Lane, Consumer] = {}
        self._is_connected = False
        self._waiting: list[Delivery] = []
        self._doubts: dict[str, float] = {}
        self.gave_all: frozenset[Lane] = frozenset()

    def fileno(self, lane: Lane) -> int:
        """Return the descriptor that tells of messages in a lane; -1 where there is none."""
        consumer = self._consumers.get(lane)
        return consumer.fileno() if consumer else -1

    def wait_s(self) -> float:
        """Return for how many seconds the broker is better left alone."""
        return self._backoff.wait_s(self._clock.monotonic())

    def failed(self, error: Exception) -> None:
        """Let go of the broker after an error; the next `take` connects again, after a while (fault 9)."""
        self.close()
        wait_s = self._backoff.failed(self._clock.monotonic())
        log.warning("the broker failed, trying again in %.1f s: %s", wait_s, error, extra={"action": "broker_failed"})

    def close(self) -> None:
        """Stop consuming; what was taken and not acknowledged is there for others."""
        consumers, self._consumers, self._waiting = self._consumers, {}, []
        self._is_connected = False
        for consumer in consumers.values():
            try:
                consumer.close()
            except (BrokerError, Unavailable) as error:
                log.warning("a consumer did not close cleanly: %s", error, extra={"action": "broker_failed"})

    def forget_doubts(self) -> None:
        """Drop the claims of a session that is gone."""
        self._doubts.clear()

    def take(self, room: int, backfill_room: int, running: Container[str]) -> list[str]:
        """Return the ids to claim now, live ones first, then the oldest: at most `room`, and at most `backfill_room` of backfill.

        Empty also while the broker is away. Ids that run here already and messages that name no unit of work are acknowledged at once.
        """
        self.gave_all = frozenset()
        if self.wait_s() > 0:
            return []
        chosen: list[Delivery] = []
        try:
            self._connect_all()
            for lane, most in ((Lane.LIVE, room), (Lane.BACKFILL, backfill_room)):
                chosen += self._take(lane, min(most, room - len(chosen)), running)
            self._backoff.worked()
        except (BrokerError, Unavailable) as error:
            self.failed(error)
            return []
        return list(dict.fromkeys(delivery.body for delivery in chosen))

    def rest(self, lane: Lane) -> None:
        """Let others have what comes in a lane: there is no room for it here until the next `take`."""
        consumer = self._consumers.get(lane)
        if consumer is not None:
            try:
                consumer.take(0)
            except (BrokerError, Unavailable) as error:
                self.failed(error)

    def _connect_all(self) -> None:
        if not self._is_connected:
            for lane in Lane:
                if lane not in self._consumers and (consumer := self._connect(lane)) is not None:
                    self._consumers[lane] = consumer
            self._is_connected = True

    def _take(self, lane: Lane, most: int, running: Container[str]) -> list[Delivery]:
        """Return what waits of a lane, at most `most`."""
        consumer = self._consumers.get(lane)
        if consumer is None or most <= 0:
            return []
        waiting = [delivery for delivery in self._waiting if lane_of(delivery.queue) is lane]
        useful = self._refuse_useless(consumer, waiting, running)
        # In the place of what is useless, or said twice, others are taken: else the next lane would get it while this one has more.
        while (missing := most - len({delivery.body for delivery in useful})) > 0:
            fresh = consumer.take(missing)
            self._waiting += fresh
            useful += self._refuse_useless(consumer, fresh, running)
            if len(fresh) < missing:
                return _first(useful, most)
        self.gave_all |= {lane}
        return _first(useful, most)

    def claim(self, ids: Sequence[str], session: str, now: datetime) -> list[UnitOfWork]:
        """Claim `ids`, as `take` returned them, acknowledge their messages, and return what was won, oldest first.

        Raises Unavailable or StoreError, with the messages kept; whether something was won is not known then, see `in_doubt`.
        """
        try:
            won = {uow.id: uow for uow in self._store.claim(ids, session, now)}
        except StoreError:
            self._doubts.update(dict.fromkeys(ids, self._clock.monotonic() + self._doubt_s))
            raise
        decided = set(ids)
        settled = [delivery for delivery in self._waiting if delivery.body in decided]
        self._waiting = [delivery for delivery in self._waiting if delivery.body not in decided]
        try:
            for lane, consumer in self._consumers.items():
                if of_lane := [delivery for delivery in settled if lane_of(delivery.queue) is lane]:
                    consumer.acknowledge(of_lane)
        except (BrokerError, Unavailable) as error:
            self.failed(error)  # they come back, and are claimed by nobody then
        return [won[uow_id] for uow_id in ids if uow_id in won]

    def doubt(self, uow_id: str) -> None:
        """Have `in_doubt` ask for a claim that the store says is ours and that is unknown here."""
        self._doubts.setdefault(uow_id, self._clock.monotonic())

    def in_doubt(self, session: str, known: Callable[[str], bool]) -> list[UnitOfWork]:
        """Return claims that were won although the answer was lost: ours in the store, and not `known` here; raises Unavailable.

        They are asked for until a lease has passed since the call failed, since a call that timed out may take effect late.
        """
        if not self._doubts:
            return []
        asked_s = self._clock.monotonic()  # the answer may be that old: whoever stood still meanwhile has seen nothing of that time
        found = self._store.uows(list(self._doubts))
        self._doubts = {uow_id: until_s for uow_id, until_s in self._doubts.items() if until_s > asked_s}
        return [uow for uow in found if uow.state is UowState.IN_PROGRESS and uow.session == session and not known(uow.id)]

    def _refuse_useless(self, consumer: Consumer, deliveries: list[Delivery], running: Container[str]) -> list[Delivery]:
        useless = [d for d in deliveries if d.body in running or not is_uow_id(d.body)]
        if not useless:
            return deliveries
        for delivery in useless:
            if delivery.body not in running:
                log.warning("a message on %s names no unit of work: %.200r", delivery.queue, delivery.body, extra={"action": "bad_message"})
        consumer.acknowledge(useless)
        dropped = set(useless)
        self._waiting = [delivery for delivery in self._waiting if delivery not in dropped]
        return [delivery for delivery in deliveries if delivery not in dropped]


def _first(deliveries: Sequence[Delivery], most: int) -> list[Delivery]:
    """Return the deliveries of the first `most` units of work: more may wait here since a claim that failed."""
    kept = set(list(dict.fromkeys(delivery.body for delivery in deliveries))[:most])
    return [delivery for delivery in deliveries if delivery.body in kept]
