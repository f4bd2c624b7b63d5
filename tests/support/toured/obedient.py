"""What do the demo's jobs do where a test says how long they take, and which of them fail? Files in the folder of marks say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from examples.flights.jobs import delays, flights, weather
from examples.flights.jobs.attempt import Job, Work
from system.clock import RealClock

SLOW, BROKEN = "slow", "broken"


def obedient(job: Job) -> Job:
    """Return `job`: it lasts as many seconds as the file `slow` says, and fails where `broken` names its period."""

    def told(work: Work) -> object:
        folder = Path(str(work.arguments["marks"]))
        print(f"{work.process} {work.timeperiod}: reading from {work.start:%Y-%m-%d %H:%M} to {work.end:%Y-%m-%d %H:%M}")  # noqa: T201
        if (folder / SLOW).exists():
            RealClock().sleep(float((folder / SLOW).read_text()))
        if (folder / BROKEN).exists() and f"{work.process}/{work.timeperiod}" in (folder / BROKEN).read_text().split():
            raise ValueError("the station LGA sent a reading of 999 degrees <b>twice</b>")
        return job(work)

    return told


def refresh(work: Any) -> None:
    """Do nothing, for a trigger."""
    print(f"fetching for {work.process}")  # noqa: T201


flights_hourly = obedient(flights.hourly)
flights_daily = obedient(flights.daily)
flights_monthly = obedient(flights.monthly)
flights_yearly = obedient(flights.yearly)
weather_hourly = obedient(weather.hourly)
weather_daily = obedient(weather.daily)
delays_daily = obedient(delays.daily)
delays_monthly = obedient(delays.monthly)
