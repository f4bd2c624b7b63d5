"""Which processes does the latency benchmark run? Two chains: an hour of `child` takes its time, the same hour of `parent` follows.

At 0.2 s a child and one at a time, two chains make 10 children and 10 parents in a second; `BENCH_PACE` sets the seconds.
"""

import os
from typing import Any

from system.context import managed_context_entry, timetable_tree_entry

PACE = float(os.environ.get("BENCH_PACE", "0.2"))
HOURS: dict[str, Any] = {"start": "2013010100", "end": os.environ.get("BENCH_END", "2013012200"), "lag_s": 0.0}

process_context = [
    *(
        managed_context_entry(f"child_{n}", "jobs.pace", f"child_{n}", "_hourly", arguments={"seconds": PACE}, max_in_flight=1, **HOURS)
        for n in range(2)
    ),
    *(
        managed_context_entry(f"parent_{n}", "jobs.enter", f"parent_{n}", "_hourly", blocking_type="blocking_dependencies", **HOURS)
        for n in range(2)
    ),
]
timetable_context = [
    *(timetable_tree_entry(f"child_tree_{n}", [f"child_{n}"]) for n in range(2)),
    *(timetable_tree_entry(f"parent_tree_{n}", [f"parent_{n}"], dependent_on=[f"child_tree_{n}"]) for n in range(2)),
]
