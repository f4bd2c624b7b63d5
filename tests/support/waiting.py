"""How does a test wait for something real? For a condition, never for a time; a bounded while."""

from __future__ import annotations

from collections.abc import Callable

from system.clock import RealClock

_CLOCK = RealClock()


def wait_until(is_so: Callable[[], bool], *, within_s: float = 10.0, what: str = "") -> float:
    """Return the seconds until `is_so` answered yes; fails the test where it did not in time."""
    begun = _CLOCK.monotonic()
    while not is_so():
        passed = _CLOCK.monotonic() - begun
        assert passed < within_s, f"not within {within_s} s: {what or is_so}"
        _CLOCK.sleep(0.01)
    return _CLOCK.monotonic() - begun
