"""Which processes does a judged run of the demo have? Those of the demo itself, over a slice of the year, each job under a judge's eye.

The timetable and the functions are the demo's; only the class paths lead through `watched.py`. The slice ends before FLIGHTS_END, an
hourly timeperiod. FLIGHTS_PACE_S makes every attempt last at least that long, FLIGHTS_HOLD_S the first attempt of an hour of flights,
and of those hours at most FLIGHTS_HOLD_AT_ONCE are under way (0: any number).
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta

from examples.flights.context import process_context as demo
from examples.flights.context import timetable_context as trees
from system.context import ManagedProcess
from system.timeperiod import HOURLY, containing, parse

HELD = "flights_hourly"
LAST_HOUR = parse(HOURLY, os.environ["FLIGHTS_END"]).start - timedelta(hours=1)
PACE_S = float(os.environ["FLIGHTS_PACE_S"])
HOLD_S = float(os.environ["FLIGHTS_HOLD_S"])


def watched(process: ManagedProcess) -> ManagedProcess:
    """Return the process as it is judged: the same function behind a lock, over the slice only."""
    return replace(
        process,
        classname=f"watched.{process.name}",
        end=containing(process.qualifier, LAST_HOUR).shift(1).id,
        arguments={**process.arguments, "pace_s": PACE_S, "hold_s": HOLD_S if process.name == HELD else 0.0},
        max_in_flight=int(os.environ["FLIGHTS_HOLD_AT_ONCE"]) if process.name == HELD else 0,
    )


process_context = [watched(process) for process in demo.values()]
timetable_context = trees
