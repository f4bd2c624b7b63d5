"""Does whoever leads still live? What a standby goes by: signs of life, and their age on its own clock."""

from __future__ import annotations

import logging

from db.store import Store
from system.clock import Clock
from system.errors import Unavailable

log = logging.getLogger(__name__)


class LeaderWatch:
    """Watches one leader at a time. Its signs of life are the beats of its session, and turns: `head` is the last one that it made.

    A silence that is taken for death and was none does no harm: the turns are what decides who leads.
    """

    def __init__(self, store: Store, clock: Clock, silence_s: float) -> None:
        self._store = store
        self._clock = clock
        self._silence_s = silence_s
        self._sign: tuple[str, int, int] | None = None
        self._since_s = 0.0

    def lives(self, leader: str, head: int) -> bool:
        """Return whether `leader` has its session and gives signs of life; one that is silent for too long has its session closed.

        Raises Unavailable, and then the count begins anew: what could not be read can't be held against anyone.
        """
        try:
            return self._lives(leader, head)
        except Unavailable:
            self._sign = None
            raise

    def _lives(self, leader: str, head: int) -> bool:
        began_s = self._clock.monotonic()
        beat = self._store.beat_of(leader)
        if beat is None:
            return False
        if self._sign != (leader, beat, head):
            # A reading may take long, and what it brought may be as young as its end.
            self._sign, self._since_s = (leader, beat, head), self._clock.monotonic()
            return True
        silent_s = began_s - self._since_s
        if silent_s < self._silence_s:
            return True
        self._sign = None
        if not self._store.expire_sessions({leader: beat}):
            return True
        log.warning("the leader %s gave no sign of life for %.1f s: its session is closed", leader, silent_s)
        return False

    def left_s(self) -> float:
        """Return how long whoever was last found alive may be silent from now on."""
        return self._silence_s if self._sign is None else max(0.0, self._since_s + self._silence_s - self._clock.monotonic())
