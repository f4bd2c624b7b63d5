"""Which processes does the deployment have that the browser tests go around in? Those of the demo, over the hours before FLIGHTS_END.

The class paths lead through `obedient.py`, so that a test can slow jobs down, or have one fail. Beside the demo's there is a
process that triggers start, for the page of triggers is to show something.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta

from examples.flights.context import process_context as demo
from examples.flights.context import timetable_context as trees
from system.context import ManagedProcess, freerun_context_entry
from system.timeperiod import HOURLY, containing, parse

LAST_HOUR = parse(HOURLY, os.environ["FLIGHTS_END"]).start - timedelta(hours=1)


def obedient(process: ManagedProcess) -> ManagedProcess:
    """Return the process with a function that a test can tell what to do, over the slice only."""
    end = containing(process.qualifier, LAST_HOUR).shift(1).id
    return replace(process, classname=f"obedient.{process.name}", end=end, backoff_s=600.0)


timetable_context = trees
process_context = [
    *(obedient(process) for process in demo.values()),
    freerun_context_entry("refresh", "airports", "obedient.refresh", "refresh", "every 3600", description="Fetch the list of airports"),
    freerun_context_entry("refresh", "planes", "obedient.refresh", "refresh", "at 03:30", is_on=False, description="Fetch the planes"),
]
