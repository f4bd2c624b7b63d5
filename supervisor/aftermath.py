"""What do dead processes of this box leave behind? Their leftovers are ended, then their sessions closed, so that what they held is due
again without waiting for a lease.

No call to the store holds up its caller: each round looks whether the last one was answered.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from db.model import MACHINE, Session
from db.store import Store
from mq.broker import Broker, Message
from supervisor.calls import Asked, Calls
from supervisor.crew import Crew
from supervisor.reach import Reach
from system.context import REPORT_QUEUE
from system.errors import BrokerError, StoreError, Unavailable
from system.processes import Identity, machine

log = logging.getLogger(__name__)

SOON_S = 0.02  # until the next look at leftovers that were just killed
STORE_PATIENCE_S = 0.5  # between tries while the store is away
SLOW_S = 2.0  # after which a store that does not answer is away
_STOP_SLOW_S = 0.5  # a stop does not wait for a store
_MANY_TRIES = 50  # looks after which leftovers are not going to go soon
_SECOND_LOOK_S = 30.0  # sessions whose processes nobody here started; it reads the environment of every process


class Aftermath:
    """Sees to what the dead left; belongs to the keeper's thread. `due_at` is when the next round is due."""

    def __init__(self, crew: Crew, store: Store, broker: Broker, calls: Calls, reach: Reach, box: str) -> None:
        self._crew, self._store, self._broker, self._calls, self._reach, self._box = crew, store, broker, calls, reach, box
        self._look: Asked[list[Session]] | None = None
        self._closing: Asked[None] | None = None
        self._owes = True
        self._tries = 0
        self.due_at = 0.0

    @property
    def is_over(self) -> bool:
        """Whether what the dead left was seen to, or can't be."""
        return not self._owes or self._tries >= _MANY_TRIES

    @property
    def is_waiting(self) -> bool:
        """Whether a call is under way."""
        return bool(self._look or self._closing)

    def begin(self, now: float) -> None:
        """Have a round at once, since something died."""
        self.due_at, self._owes, self._tries = now, True, 0

    def turn(self, now: float, *, is_stopping: bool) -> None:
        """Do a round if one is due."""
        if now < self.due_at:
            return
        try:
            self._go_on(now)
        except StoreError as error:
            self._look = self._closing = None
            self._reach.lose(error)
            self.due_at = now + STORE_PATIENCE_S
            self._owes = self._owes and not is_stopping  # the leases run out without us
        if self._look and now - self._look.since_s >= SLOW_S:
            self._reach.lose(Unavailable("it does not answer"))
        asked = self._look or self._closing
        if asked and is_stopping and now - asked.since_s >= _STOP_SLOW_S:
            self._owes = False

    def _go_on(self, now: float) -> None:
        if self._closing is None:
            self._look_for_dead(now)
        if self._closing is not None and self._closing.is_over:
            closing, self._closing = self._closing, None
            closing.result()
            self._conclude(now)

    def _look_for_dead(self, now: float) -> None:
        if self._look is None:
            self._tries += 1
            self._look = Asked(self._calls.submit(self._store.sessions), now)
        if not self._look.is_over:
            return
        look, self._look = self._look, None
        # In this order: who dies after the first line is not closed before its own leftovers were looked for.
        dead, error = self._dead_among(look)
        if not self._crew.clear():
            self.due_at = now + (SOON_S if self._tries < _MANY_TRIES else STORE_PATIENCE_S)
        if error is not None:
            raise error
        if self.due_at > now:
            return
        if dead:
            self._closing = Asked(self._calls.submit(lambda: self._close(dead)), now)
        else:
            self._conclude(now)

    def _dead_among(self, look: Asked[list[Session]]) -> tuple[list[Session], StoreError | None]:
        """Return the open sessions of this box whose process is dead, and why they are not known."""
        try:
            sessions = look.result()
        except StoreError as error:
            return [], error
        self._reach.find()
        # Another machine of this name has processes that nobody sees from here; and so had this one before it was started anew. How they
        # are is for the lease to tell.
        here = machine()
        ours = [s for s in sessions if s.box == self._box and s.facts.get(MACHINE, here) == here]
        return [s for s in ours if not self._crew.is_alive(Identity(s.pid, s.created_s))], None

    def _close(self, dead: Sequence[Session]) -> None:
        """Close sessions and say so; runs among the calls."""
        self._store.close_sessions([s.id for s in dead])
        for session in dead:
            facts = {"action": "session_closed", "session": session.id}
            log.info("closed the session of a dead %s, pid %d", session.kind, session.pid, extra=facts)
        try:
            self._broker.publish([Message(REPORT_QUEUE, f"session:{s.id}") for s in dead])
        except (BrokerError, StoreError) as error:  # a hint: the sweep finds out without it
            log.warning("the scheduler was not told of closed sessions: %s", error)

    def _conclude(self, now: float) -> None:
        self.due_at, self._owes, self._tries = now + _SECOND_LOOK_S, False, 0
