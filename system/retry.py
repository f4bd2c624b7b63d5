"""When is the next attempt due, and when are there no more? Pure arithmetic; the same inputs always give the same answer."""

from __future__ import annotations

import zlib

LONGEST_S = 900.0
_JITTER = 0.2
# The cap holds for the jittered wait; capping after the jitter would send half of all waiters off at the same second.
_LONGEST_BASE_S = LONGEST_S / (1 + _JITTER)
_DOUBLINGS = 64  # beyond any cap; keeps the power small


def backoff_s(failures: int, first_s: float, key: str) -> float:
    """Return how many seconds to wait after failure number `failures` (from 1): doubling from `first_s`, at most 900.

    The wait is spread by up to a fifth to either side, by a hash of (key, failures): whoever asks, in whichever process, gets the same.
    """
    base = min(first_s * 2.0 ** min(failures - 1, _DOUBLINGS), _LONGEST_BASE_S)
    share = zlib.crc32(f"{key} {failures}".encode()) / 0xFFFFFFFF
    return base * (1 - _JITTER + 2 * _JITTER * share)


def is_used_up(failures: int, max_attempts: int, failing_for_s: float, life_support_hours: float) -> bool:
    """Say whether there is no further attempt; `max_attempts` 0 is no limit, `failing_for_s` counts from the first failure."""
    if failures < 1:
        return False
    return 0 < max_attempts <= failures or failing_for_s >= life_support_hours * 3600
