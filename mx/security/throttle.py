"""How long must one wait who failed so often? Arithmetic only; the counts are kept in the store, so that a restart forgets none.

The wait doubles with each failure past the first few, up to a most. It counts twice: for the name, whoever tries it from wherever, and for
the address, whichever names it tries. The most for a name is short: a stranger can make its owner wait, so not for long; even so
a name gets at most 300 guesses a day, which no password of 12 characters has to fear.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address


@dataclass(frozen=True, slots=True)
class Rule:
    """`free` failures cost nothing, each further one twice the wait of the one before it, `most_s` at most; `forget` after quiet."""

    free: int
    most_s: int
    forget: timedelta


PER_NAME = Rule(5, 300, timedelta(hours=12))
PER_ADDRESS = Rule(20, 900, timedelta(hours=12))


@dataclass(frozen=True, slots=True)
class Count:
    """How often it failed in a row, and when last."""

    failures: int = 0
    last: datetime | None = None


def wait_s(count: Count, rule: Rule, now: datetime) -> int:
    """Return for how many seconds nothing is looked at; 0 where it may be tried now."""
    if count.last is None or count.failures < rule.free:
        return 0
    span = min(1 << min(count.failures - rule.free + 1, 30), rule.most_s)
    left = math.ceil((count.last + timedelta(seconds=span) - now).total_seconds())
    return max(0, min(left, span))  # a clock that was set back makes nobody wait longer


def failed(count: Count, rule: Rule, now: datetime) -> Count:
    """Return the count after one more failure; one that is long ago is forgotten."""
    is_old = count.last is not None and now - count.last > rule.forget
    return Count(1 if is_old else count.failures + 1, now)


def forgiven(count: Count) -> Count:
    """Return the count without its last failure, which was none after all."""
    return Count(max(0, count.failures - 1), count.last)


def place_of(address: str) -> str:
    """Return whom an address is counted for: one IPv4 address, or the IPv6 network of 64 bits that one subscriber has to himself."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return f"{IPv6Address(int(found) >> 64 << 64)}/64"
    return str(found)
