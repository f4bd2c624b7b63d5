"""How often did something take how long? Counts by upper bound, as a metric of the kind histogram has them."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Sequence

# How a session tells what its turns took.
ROUNDS_FACT = "rounds"
# From what one turn takes to what one job of a night takes.
SHORT_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
LONG_S = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 43_200.0, 86_400.0)


class Tally:
    """Counts of seconds: `counts[i]` lie in `(bounds[i - 1], bounds[i]]`, the last one beyond all bounds; `total_s` is their sum."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total_s = 0.0

    def add(self, seconds: float) -> None:
        """Count one more. Below 0 counts as 0: clocks differ."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total_s += max(0.0, seconds)

    def text(self) -> str:
        """Return it as a session's facts tell it."""
        return json.dumps([self.bounds, self.counts, round(self.total_s, 6)], separators=(",", ":"))


def tally_of(text: str) -> Tally | None:
    """Return what `text` tells, None where it tells nothing."""
    if not text:
        return None
    bounds, counts, total_s = json.loads(text)
    found = Tally(bounds)
    found.counts, found.total_s = counts, total_s
    return found
