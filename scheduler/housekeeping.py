"""How does the keeper go on beside the engine? A thread that works for a moment and rests for long, while this scheduler leads."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread

from scheduler.keeper import Keeper
from system.clock import Clock
from system.errors import HorariumError

log = logging.getLogger(__name__)
_FOLLOWING_S = 1.0
_TROUBLE_S = 60.0


class Housekeeping:
    """Calls a keeper's turns until it is stopped. What goes wrong is logged and tried again: nothing of it may hold up the engine."""

    def __init__(self, keeper: Keeper, clock: Clock, leads: Callable[[], bool]) -> None:
        self._keeper = keeper
        self._clock = clock
        self._leads = leads
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="keeper", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

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
            return self._keeper.turn(self._clock.now())
        except HorariumError as error:
            log.warning("old records stay for now, the next try is in %.0f s: %s", _TROUBLE_S, error)
        except Exception:
            # The edge of this thread: what it could not remove is found again.
            log.exception("old records stay for now, the next try is in %.0f s", _TROUBLE_S)
        return _TROUBLE_S
