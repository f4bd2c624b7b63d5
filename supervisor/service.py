"""How does a supervisor run? The loop around the keeper's turns, and its clean end."""

from __future__ import annotations

import logging

from supervisor.crew import Crew
from supervisor.keeper import Keeper, View
from system.clock import Clock

log = logging.getLogger(__name__)

_AFTER_ERROR_S = 0.5


class SupervisorService:
    """Keeps a box's processes alive until it is told to stop."""

    def __init__(self, keeper: Keeper, crew: Crew, clock: Clock) -> None:
        self._keeper, self._crew, self._clock = keeper, crew, clock

    def run(self) -> None:
        """Return when `stop` was called and everything that it kept has ended."""
        while not self._keeper.is_stopped:
            self._crew.wait(self._turn())
        self._crew.close()

    def stop(self) -> None:
        """End all of it in order; returns at once. Safe in a signal's handler."""
        self._keeper.stop()
        self._crew.wake()

    def kill(self) -> None:
        """End all of it now; returns at once. Safe in a signal's handler."""
        self._keeper.kill()
        self._crew.wake()

    def views(self) -> list[View]:
        """Return what is kept, as it stands."""
        return self._keeper.views()

    def _turn(self) -> float:
        try:
            return self._keeper.turn(self._clock.monotonic())
        except Exception:  # the edge of the process's turn: whatever it was, the others must be kept alive
            log.exception("a turn of the supervisor failed; it goes on")
            return _AFTER_ERROR_S
