"""What has come of it all? The figures of a report: how much was done, and how long that took. Nothing here walks all turns."""

from __future__ import annotations

from collections.abc import Iterable

from db.store import Store
from scheduler.levels import Level
from system.lifecycle import JOB_FINISHED

_FEW, _MANY, _MOST = 20, 500, 5_000


def totals(levels: Iterable[Level], store: Store) -> dict[str, int]:
    """Return how many jobs are finished, and how many units of work the store holds."""
    jobs = sum(level.counts.get(state.label, 0) for level in levels for state in JOB_FINISHED)
    return {"jobs": jobs, "uows": store.sizes()["units of work"]}


def seconds_until(head: int, store: Store) -> float:
    """Return the seconds from the first turn that is kept to the last one that moved a job, `head` being the last of all; 0 before it.

    Idle turns at the end are walked backwards, a few and then more at a time; where none of `_MOST` moved a job, it ends with them.
    """
    first = store.turns_after(0, 1)
    high, at_once = head, _FEW
    while first and high > max(0, head - _MOST):
        low = max(0, high - at_once)
        turns = [turn for turn in store.turns_after(low, high - low) if turn.number <= high]
        if not turns:
            break  # the earlier ones were archived
        for turn in reversed(turns):
            if turn.jobs:
                return (turn.decided_at - first[0].decided_at).total_seconds()
        high, at_once = low, _MANY
    return 0.0
