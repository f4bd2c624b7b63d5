"""Did two attempts at one period ever run at once? Each holds a lock while it runs; one that finds it taken says so, and goes on.

The kernel keeps the lock for exactly as long as the process that took it lives, so it is also right about attempts that were killed,
which write no end mark.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from examples.flights.jobs import delays, flights, weather
from examples.flights.jobs.attempt import Job, Work
from system.clock import RealClock

OVERLAP = "overlap"


def watched(job: Job) -> Job:
    """Return `job`, run under the lock of its period."""

    def under_lock(work: Work) -> object:
        folder = Path(str(work.arguments["marks"]))
        with (folder / "locks" / f"{work.process}-{work.timeperiod}").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                _mark(OVERLAP, work, folder)
            return _paced(job, work)

    return under_lock


def _paced(job: Job, work: Work) -> object:
    """Run `job` between two pauses, so that a kill hits it before, in and after its write."""
    pause_s = float(str(work.arguments["pace_s"])) / 2
    clock = RealClock()
    if work.fence == 1 and work.arguments["hold_s"]:
        _mark("holding", work, Path(str(work.arguments["marks"])))
        clock.sleep(float(str(work.arguments["hold_s"])))
    if pause_s:
        clock.sleep(pause_s)
    outcome = job(work)
    if pause_s:
        clock.sleep(pause_s)
    return outcome


def _mark(what: str, work: Work, folder: Path) -> None:
    """Append a line of the same shape as the demo's marks."""
    line = f"{what} {work.process}/{work.timeperiod} {work.fence} {os.getpid()} {RealClock().monotonic():.6f}\n"
    with (folder / "marks.txt").open("a") as file:
        file.write(line)


flights_hourly = watched(flights.hourly)
flights_daily = watched(flights.daily)
flights_monthly = watched(flights.monthly)
flights_yearly = watched(flights.yearly)
weather_hourly = watched(weather.hourly)
weather_daily = watched(weather.daily)
delays_daily = watched(delays.daily)
delays_monthly = watched(delays.monthly)
