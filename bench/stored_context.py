"""Which processes does a large deployment run? 250 trees of four levels, a thousand processes, and 20 that triggers start, 10 entries each.

`BENCH_TREES` sets how many trees, for a smaller one.
"""

import os
from typing import Any

from system.context import freerun_context_entry, managed_context_entry, timetable_tree_entry

TREES = int(os.environ.get("BENCH_TREES", "250"))
LEVELS = ("hourly", "daily", "monthly", "yearly")
START = {"hourly": "2022010100", "daily": "2022010100", "monthly": "2022010000", "yearly": "2022000000"}
GROUP = 5  # so many trees hang together: each depends on the one before

process_context: list[Any] = [
    managed_context_entry(
        f"area_{tree:03}_{level}", "jobs.nothing", f"area_{tree:03}", f"_{level}", start=START[level], lag_s=0.0,
        deadline=10_800.0 if level in ("hourly", "daily") else None, on_failure="hold",
        blocking_type="blocking_normal" if level == "hourly" else "blocking_all",
        description=f"What area {tree} did, {level}", owner=f"team-{tree % 12}",
    )
    for tree in range(TREES)
    for level in LEVELS
]  # fmt: skip
timetable_context = [
    timetable_tree_entry(
        f"area_{tree:03}", [f"area_{tree:03}_{level}" for level in LEVELS], dependent_on=[f"area_{tree - 1:03}"] if tree % GROUP else [],
        mx_page=f"region {tree // 50}",
    )
    for tree in range(TREES)
]  # fmt: skip
process_context += [
    freerun_context_entry(f"load_{n:02}", f"entry_{k}", "jobs.nothing", f"load_{n:02}", f"at 0{k}:30", description="A nightly load")
    for n in range(max(1, TREES * 20 // 250))
    for k in range(10)
]
