"""What time is it? The only module that reads a clock or sleeps.

Imports nothing but the standard library, so that a slot can load this file alone.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

# Seconds that go on while a laptop sleeps; the plain monotonic clock stands still then, and a lease would outlive its end.
_AGE_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

FIRST_YEAR, LAST_YEAR = 1900, 9000  # of a moment that a person gives


class Clock(Protocol):
    """Time as it is handed to whoever needs it."""

    def now(self) -> datetime:
        """Return the wall clock's time, aware, in UTC. May jump."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some fixed moment of this machine. Never jumps; for ages only."""
        ...

    def lasting_s(self, span: timedelta) -> float:
        """Return how long it takes, in seconds to wait, until the wall clock has gone on by `span`."""
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

    def lasting_s(self, span: timedelta) -> float:
        """Return `span` in seconds."""
        return span / timedelta(seconds=1)

    def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        time.sleep(seconds)


class TrialClock:
    """The machine's clocks, but for a wall clock of its own: it showed `start` at the real moment `since`, and goes `speed` times as fast.

    Ages (`monotonic`) and sleeps stay real, so leases and beats hold.
    """

    def __init__(self, start: datetime, speed: float, since: datetime) -> None:
        self._start = start
        self._speed = speed
        self._since = since
        self._real = RealClock()

    def now(self) -> datetime:
        """Return the trial's time, aware, in UTC."""
        return self._start + (self._real.now() - self._since) * self._speed

    def monotonic(self) -> float:
        """Return real seconds since boot, as RealClock does."""
        return self._real.monotonic()

    def lasting_s(self, span: timedelta) -> float:
        """Return how long `span` of the trial takes, in real seconds."""
        return span / timedelta(seconds=1) / self._speed

    def sleep(self, seconds: float) -> None:
        """Return after `seconds`, real ones."""
        self._real.sleep(seconds)


def moment_of(text: str) -> datetime:
    """Return the moment that an ISO 8601 text names, in UTC where it names no offset.

    Raises ValueError, also outside FIRST_YEAR and LAST_YEAR: what is reckoned from it (lags, offsets, schedules) must stay in the calendar.
    """
    found = datetime.fromisoformat(text)
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError(f"{text!r} is not of the years {FIRST_YEAR} to {LAST_YEAR}")
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def trial_of(text: str) -> tuple[datetime, float]:
    """Return start and speed of a trial's clock written as `2026-11-20T22:30@60`; raises ValueError that says what is expected."""
    moment, _, speed = text.partition("@")
    try:
        start, factor = moment_of(moment), float(speed)
    except ValueError:
        years = f"of the years {FIRST_YEAR} to {LAST_YEAR}"
        raise ValueError(f"expected START@SPEED, such as 2026-11-20T22:30@60, in UTC, {years}") from None
    if not 0 < factor <= 100_000:
        raise ValueError("expected a speed above 0, at most 100000")
    return start, factor


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

    def lasting_s(self, span: timedelta) -> float:
        """Return `span` in seconds."""
        return span / timedelta(seconds=1)

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self._elapsed_s += max(0.0, seconds)

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward (or back) by `seconds`; no time passes."""
        self._jumped_s += seconds
