"""Which periods run together? Time grouping: a process runs only at every N-th step, never across the enclosing unit.

Rules and fixtures: REFERENCE 1.1. A group is named by its end, the period that runs; all other periods of it become NOOP.
"""

from __future__ import annotations

from system.timeperiod import DAILY, HOURLY, MONTHLY, YEARLY, Qualifier, Timeperiod

# The unit that no group crosses, the first token in it, and the largest grouping: an entry per qualifier that can be grouped.
_UNITS: dict[str, tuple[Qualifier, int, int]] = {
    HOURLY.name: (DAILY, 0, 23),
    DAILY.name: (MONTHLY, 1, 28),
    MONTHLY.name: (YEARLY, 1, 12),
}


def largest_grouping(qualifier: Qualifier) -> int:
    """Return the largest `time_grouping` that a qualifier allows; 1 where it can't be grouped."""
    return _UNITS[qualifier.name][2] if qualifier.name in _UNITS else 1


def group_of(qualifier: Qualifier, ordinal: int, grouping: int) -> range:
    """Return the ordinals of the group that holds period `ordinal`, in order; the last of them is the one that runs.

    A group ends at the first multiple of `grouping` at or after the period's token, capped at the unit's upper bound; token 0 ends no
    group. With a grouping of 1 each period is its own group.
    """
    if grouping == 1:
        return range(ordinal, ordinal + 1)
    enclosing, first_token, _ = _UNITS[qualifier.name]
    unit = Timeperiod(qualifier, ordinal).within(enclosing).inside(qualifier)
    token = ordinal - unit.start + first_token
    end = max(1, -(-token // grouping)) * grouping
    start = max(first_token, end - grouping + 1) if end > grouping else first_token
    offset = unit.start - first_token
    return range(offset + start, min(offset + end + 1, unit.stop))
