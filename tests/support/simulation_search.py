"""Which of the first histories goes wrong? With a safeguard switched off one of them has to."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from itertools import count, islice

from tests.support.simulation import violation
from tests.support.simulation_plan import Plan, plan_of

HISTORIES = 300


def first_wrong(seeds: Iterable[int] = range(HISTORIES), *, ignore_deadline: bool = False) -> str:
    """Return the first violation, and write it out for `pytest -rP`; empty when there was none."""
    for seed in seeds:
        found = violation(seed, ignore_deadline=ignore_deadline)
        if found:
            sys.stdout.write(f"found by {found}\n")
            return found
    return ""


def seeds_with(is_apt: Callable[[Plan], bool]) -> Iterable[int]:
    """Return the first histories, as many as are searched, that show a thing at all."""
    return islice((seed for seed in count() if is_apt(plan_of(seed))), HISTORIES)
