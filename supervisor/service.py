"""How does a supervisor run? The loop around the keeper's turns, and its clean end."""

from __future__ import annotations

import logging
from threading import Event, Thread

from supervisor.attendance import Attendance
from supervisor.crew import Crew
from supervisor.keeper import Keeper, View
from system.clock import Clock

log = logging.getLogger(__name__)

_AFTER_ERROR_S = 0.5
_GOOD_BYE_S = 3.0  # a stop does not wait for a store that is away


class SupervisorService:
    """Keeps a box's processes alive until it is told to stop. Without an `attendance` the store hears nothing of it."""

    def __init__(self, keeper: Keeper, crew: Crew, clock: Clock, attendance: Attendance | None = None) -> None:
        self._keeper, self._crew, self._clock, self._attendance = keeper, crew, clock, attendance

    def run(self) -> None:
        """Return when `stop` was called and everything that it kept has ended."""
        over = Event()
        beats = Thread(target=self._attend, args=(over,), name="beats", daemon=True)
        beats.start()
        while not self._keeper.is_stopped:
            self._crew.wait(self._turn())
        over.set()
        beats.join(_GOOD_BYE_S)
        self._keeper.close()
        self._crew.close()

    def _attend(self, over: Event) -> None:
        if self._attendance:
            self._attendance.turn()
            self._attendance.run(over)

    def stop(self) -> None:
        """End all of it in order; returns at once. Safe in a signal's handler."""
        self._keeper.stop()
        self._crew.wake()

    def kill(self) -> None:
        """End all of it now; returns at once. Safe in a signal's handler."""
        self._keeper.kill()
        self._crew.wake()

    def views(self) -> list[View]:
        """Return what is kept, as it stands, and what is switched off."""
        return [*self._keeper.views(), *(self._attendance.switched_off() if self._attendance else [])]

    def _turn(self) -> float:
        try:
            return self._keeper.turn(self._clock.monotonic())
        except Exception:  # the edge of the process's turn: whatever it was, the others must be kept alive
            log.exception("a turn of the supervisor failed; it goes on")
            return _AFTER_ERROR_S
