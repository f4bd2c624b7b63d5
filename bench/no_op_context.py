"""Which processes does the throughput benchmark run? Some of hours (BENCH_PROCESSES, 8), each doing nothing."""

import os
from datetime import date, timedelta

from system.context import managed_context_entry, timetable_tree_entry

PROCESSES = int(os.environ.get("BENCH_PROCESSES", "8"))
DAYS = int(os.environ.get("BENCH_DAYS", "100"))
END = f"{date(2013, 1, 1) + timedelta(days=DAYS):%Y%m%d}00"

process_context = [
    managed_context_entry(
        f"no_op_{n}", "jobs.nothing", f"no_op_{n}", "_hourly", start="2013010100", end=END, lag_s=0.0
    )
    for n in range(PROCESSES)
]
timetable_context = [timetable_tree_entry(f"tree_{n}", [f"no_op_{n}"]) for n in range(PROCESSES)]
