"""What time is it? The only module that reads a clock or sleeps.

Imports nothing but the standard library, so that a slot can load this file alone.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

# Seconds that go on while a laptop sleeps; the plain monotonic clock stands still then, and a lease would outlive its end.
_AGE_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    """Time as it is handed to whoever needs it."""

    def now(self) -> datetime:
        """Return the wall clock's time, aware, in UTC. May jump."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some fixed moment of this machine. Never jumps; for ages only."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        ...


class RealClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        """Return the wall clock's time, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds since boot, time asleep included; the same for every process of this machine."""
        return time.clock_gettime(_AGE_CLOCK)

    def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        time.sleep(seconds)


class ManualClock:
    """A clock that moves only when told; its sleep moves it. `monotonic` starts at 0."""

    def __init__(self, start: datetime = datetime(2020, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._elapsed_s = 0.0
        self._jumped_s = 0.0

    def now(self) -> datetime:
        """Return the start plus what has passed plus what was jumped."""
        return self._start + timedelta(seconds=self._elapsed_s + self._jumped_s)

    def monotonic(self) -> float:
        """Return the seconds that have passed; jumps don't count."""
        return self._elapsed_s

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self._elapsed_s += max(0.0, seconds)

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward (or back) by `seconds`; no time passes."""
        self._jumped_s += seconds
