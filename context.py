"""Which processes run where nobody has registered any? A small timetable to look at; HORARIUM_CONTEXT names yours."""

from __future__ import annotations

from system.context import managed_context_entry, timetable_tree_entry

_ECHO = ("sh", "-c", 'echo "the work of $HORARIUM_PROCESS for $HORARIUM_TIMEPERIOD would be done here"')

process_context = [
    managed_context_entry("sample_daily", "", "sample", "_daily", argv=_ECHO, start="2026010100"),
    managed_context_entry(
        "sample_monthly", "", "sample", "_monthly", argv=_ECHO, start="2026010000", blocking_type="blocking_children"
    ),
]

timetable_context = [timetable_tree_entry("sample", ["sample_daily", "sample_monthly"])]
