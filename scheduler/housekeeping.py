"""How do slow chores go on beside the engine? Each in a thread that works for a moment and rests for long, while this scheduler leads."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from threading import Event, Thread
from typing import Protocol

from system.clock import Clock
from system.errors import HorariumError

log = logging.getLogger(__name__)
_FOLLOWING_S = 1.0
_TROUBLE_S = 60.0


class Chore(Protocol):
    """Something that is done bit by bit."""

    def turn(self, now: datetime) -> float:
        """Do a bit; returns after how many seconds the next one is wanted."""
        ...


class Housekeeping:
    """Calls a chore's turns until it is stopped. What goes wrong is logged and tried again: nothing of it may hold up the engine.

    `trouble` is what a person is told then, with the reason behind it.
    """

    def __init__(
        self, chore: Chore, clock: Clock, leads: Callable[[], bool], *, name: str = "keeper", trouble: str = "old records stay for now"
    ) -> None:
        self._chore = chore
        self._trouble = trouble
        self._clock = clock
        self._leads = leads
        self._stopped = Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Begin no further batch; returns at once."""
        self._stopped.set()

    def stop(self) -> None:
        """End after the batch that is under way."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        wait_s = _FOLLOWING_S
        while not self._stopped.wait(wait_s):
            wait_s = self._turn()

    def _turn(self) -> float:
        if not self._leads():
            return _FOLLOWING_S
        try:
            return self._chore.turn(self._clock.now())
        except HorariumError as error:
            log.warning("%s, the next try is in %.0f s: %s", self._trouble, _TROUBLE_S, error)
        except Exception:
            # The edge of this thread: what it could not remove is found again.
            log.exception("%s, the next try is in %.0f s", self._trouble, _TROUBLE_S)
        return _TROUBLE_S
