"""In which of its process's two queues does a unit of work travel? Live work overtakes what is history.

Each managed process has two queues: the one of its context entry is for periods that became due just now, the one with `_backfill` at its
end for history. A name tells which lane a queue is: what an older version opened is live.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum
from functools import lru_cache

from system.context import Context, FreerunProcess, period_after_last

BACKFILL_END = "_backfill"
# A period is history once it became due longer ago than a day, and longer ago than two periods of its own.
HISTORY_S = 86_400.0
HISTORY_PERIODS = 2


class Lane(Enum):
    """Live work, and backfill; in the order of precedence."""

    LIVE = "live"
    BACKFILL = "backfill"


def queue_in(queue: str, lane: Lane) -> str:
    """Return the queue of `lane` of the process whose context entry names `queue`."""
    return queue if lane is Lane.LIVE else queue + BACKFILL_END


@lru_cache(maxsize=4096)
def lane_of(queue: str) -> Lane:
    """Return the lane that a queue is."""
    return Lane.BACKFILL if queue.endswith(BACKFILL_END) else Lane.LIVE


def both_lanes(queues: Iterable[str]) -> list[str]:
    """Return the queues of both lanes, each once, in order; live first for each."""
    return list(dict.fromkeys(queue_in(queue, lane) for queue in queues for lane in Lane))


def managed_queues(context: Context) -> list[str]:
    """Return all queues that workers take from: those of managed processes, in both lanes, and of freerun entries, which are live."""
    found = both_lanes(process.queue for process in context.managed.values())
    return [*found, *dict.fromkeys(entry.queue for entry in context.freerun.values())]


def may_be_live(context: Context, now: datetime) -> bool:
    """Return whether live work may come: not where every process ended long ago. Triggers are live whenever they fire."""
    if any(isinstance(process, FreerunProcess) for process in context.processes):
        return True
    ends = [period_after_last(process) for process in context.managed.values()]
    return any(end is None or end.start > now - timedelta(seconds=HISTORY_S) for end in ends)


def places_for_backfill(most: int) -> int:
    """Return how many of `most` places backfill may take where live work may come: one is left to that, if there is more than one."""
    return max(1, most - 1)
