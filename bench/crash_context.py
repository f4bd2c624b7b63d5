"""Which processes does the bench of starts run? 20 daemons that fail as soon as they are called, on boxes that match BENCH_BOX (all)."""

import os

from system.context import daemon_context_entry

BOX = os.environ.get("BENCH_BOX", ".*")
NAMES = [f"crash_{n:02}" for n in range(20)]

process_context = [daemon_context_entry(name, "jobs.fail", name, present_on_boxes=BOX) for name in NAMES]
timetable_context: list[object] = []
