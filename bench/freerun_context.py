"""Which entries does the freerun benchmark fire? Many of one process, each doing nothing, spread over their seconds by their names."""

import os

from system.context import freerun_context_entry

COUNT = int(os.environ.get("BENCH_ENTRIES", "10000"))
SCHEDULE = os.environ.get("BENCH_SCHEDULE", "every 60")

process_context = [
    freerun_context_entry("no_op", f"entry_{number:05}", "jobs.nothing", "no_op", SCHEDULE) for number in range(COUNT)
]
timetable_context: list[object] = []
