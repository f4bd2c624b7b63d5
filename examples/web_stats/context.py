"""Which processes does the second example run? A site's page views as they come in, on today's clock.

Point `HORARIUM_CONTEXT` at this file. The timetable begins with the hour in which this is first loaded.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from system.clock import RealClock
from system.context import ManagedProcess, dependency_entry, freerun_context_entry, managed_context_entry, timetable_tree_entry
from system.timeperiod import HOURLY, Timeperiod, containing, parse, qualifier_named

FOLDER = Path(os.environ.get("WEB_STATS_DATA", "var/web_stats")).absolute()
SOURCE, SINK = FOLDER / "views.sqlite", FOLDER / "figures.sqlite"
ARGUMENTS = {"source": str(SOURCE), "sink": str(SINK)}


def beginning() -> Timeperiod:
    """Return the hour in which the timetable begins: WEB_STATS_START, else the hour of the first load, which is kept."""
    kept = FOLDER / "start"
    if "WEB_STATS_START" not in os.environ and not kept.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        kept.write_text(containing(HOURLY, RealClock().now()).id)
    return parse(HOURLY, os.environ.get("WEB_STATS_START") or kept.read_text().strip())


START = beginning().start


def entry(token: str, level: str, machine: str, **fields: Any) -> ManagedProcess:
    """Return the process `<token>_<level>`, which calls the function `<level>` in `jobs/<token>.py`."""
    return managed_context_entry(
        process_name=f"{token}_{level}",
        classname=f"jobs.{token}.{level}",
        token=token,
        time_qualifier=f"_{level}",
        state_machine_name=machine,
        arguments=ARGUMENTS,
        lag_s=60.0,  # a page view is in the table a minute later at the latest
        start=containing(qualifier_named(f"_{level}"), START).id,
        **fields,
    )


# The hour that is open is counted again whenever views came in, the coarser levels every so often; each once more when it is over.
# A client's day and the alert wait for the site's.
processes = [
    entry(
        "site", "hourly", "recomputing", trigger_frequency="every 20",
        source=f"sqlite:///{SOURCE}#table=page_view&time=at&key=id",
        late_s=6 * 3_600.0,  # a view that comes up to six hours late has its hour, and its day, counted again
    ),
    entry("site", "daily", "continuous", trigger_frequency="every 60"),
    entry("site", "monthly", "continuous", trigger_frequency="every 600"),
    entry("site", "yearly", "continuous", trigger_frequency="every 3600"),
    entry("client", "daily", "discrete", blocking_type="blocking_dependencies"),
    entry("client", "monthly", "discrete", blocking_type="blocking_all"),
    entry("client", "yearly", "discrete", blocking_type="blocking_all"),
    entry(
        "alert", "daily", "discrete", blocking_type="blocking_dependencies",
        depends_on=["site_daily", dependency_entry("site_daily", -7, optional=True)],
    ),
]  # fmt: skip

process_context = [*processes, freerun_context_entry("feed", "views", "jobs.feed.collect", "feed", "every 10", arguments=ARGUMENTS)]

timetable_context = [
    timetable_tree_entry("site", ["site_hourly", "site_daily", "site_monthly", "site_yearly"]),
    timetable_tree_entry("client", ["client_daily", "client_monthly", "client_yearly"], dependent_on=["site"]),
    timetable_tree_entry("alert", ["alert_daily"]),
]
