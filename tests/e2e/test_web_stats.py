"""Does the second example do what it says, live? For five real minutes, on a clock that begins before midnight.

The clock runs 60 times as fast, so an hour is over in a minute.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.deployments import ROOT, Deployment
from tests.support.waiting import wait_until

pytestmark = pytest.mark.waiting
HOUR, DAY = "2026112023", "2026112000"
PATIENCE_S = 240.0


class Stats(Deployment):
    """The example over a folder of its own, half an hour before midnight."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.environ.update(
            HORARIUM_CONTEXT=str(ROOT / "examples" / "web_stats" / "context.py"),
            WEB_STATS_DATA=str(folder / "data"),
            WEB_STATS_START="2026112022",
            HORARIUM_TRIAL_CLOCK="2026-11-20T22:50@60",
        )

    def ask(self, file: str, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return what a query finds in the page views (`views`) or the `figures`; nothing while the file is not there."""
        path = self.folder / "data" / f"{file}.sqlite"
        if not path.exists():
            return []
        with closing(sqlite3.connect(path, timeout=30.0)) as db:
            try:
                return db.execute(query, values).fetchall()
            except sqlite3.OperationalError:  # its tables come a moment after it
                return []

    def counted(self, level: str, period: str) -> int:
        """Return the page views that a period's figures hold."""
        query = "SELECT coalesce(sum(views), 0) FROM site WHERE level = ? AND timeperiod = ?"
        return sum(row[0] for row in self.ask("figures", query, level, period))

    def seen(self, low: str, high: str) -> int:
        """Return the page views that came in for a time."""
        return sum(row[0] for row in self.ask("views", "SELECT count(*) FROM page_view WHERE at >= ? AND at < ?", low, high))

    def runs(self, process: str, period: str) -> list[int]:
        """Return the views that each run of a period found, in the order of the runs."""
        found = self.ask("figures", "SELECT views FROM run WHERE process = ? AND timeperiod = ? ORDER BY fence", process, period)
        return [row[0] for row in found]

    def job(self, process: str, period: str) -> dict[str, Any]:
        """Return a job's record as `launch.py job show` has it."""
        shown = json.loads(self.call("job", "show", process, period, "--json")[1])
        return shown["job"] or {"state": "state_embryo", "generation": 1}

    def until_processed(self, process: str, period: str, generation: int) -> None:
        """Wait until a period is processed in a generation."""

        def is_there() -> bool:
            job = self.job(process, period)
            return (job["state"], job["generation"]) == ("state_processed", generation)

        wait_until(is_there, within_s=PATIENCE_S, what=f"{process} {period} is processed in generation {generation}")


@pytest.fixture
def stats(tmp_path: Path) -> Iterator[Stats]:
    found = Stats(tmp_path)
    yield found
    found.end()


def test_the_open_hour_grows_the_final_run_fixes_it_and_a_late_row_reopens_hour_and_day_once(stats: Stats) -> None:
    stats.start("up")
    wait_until(lambda: len(set(stats.runs("site_hourly", HOUR))) > 5, within_s=PATIENCE_S, what="the open hour is counted again and again")
    partial = stats.runs("site_hourly", HOUR)
    assert partial == sorted(partial)

    stats.until_processed("site_daily", DAY, 1)
    whole = stats.seen("2026-11-20T23", "2026-11-21T00")
    assert stats.counted("hourly", HOUR) == whole > partial[-1]
    assert stats.counted("daily", DAY) == stats.seen("2026-11-20T22", "2026-11-21T00")

    late = "INSERT INTO page_view (at, site, client, page, sent) VALUES ('2026-11-20T23:30:00.000000', 'shop', 'late', '/', 1)"
    with closing(sqlite3.connect(stats.folder / "data" / "views.sqlite", timeout=30.0)) as db, db:
        db.execute(late)
    stats.until_processed("site_hourly", HOUR, 2)
    stats.until_processed("site_daily", DAY, 2)
    assert stats.counted("hourly", HOUR) == whole + 1
    assert stats.counted("daily", DAY) == stats.seen("2026-11-20T22", "2026-11-21T00")

    wait_until(lambda: stats.counted("hourly", "2026112103") > 0, within_s=PATIENCE_S, what="five minutes are over")
    assert [stats.job(process, period)["generation"] for process, period in (("site_hourly", HOUR), ("site_daily", DAY))] == [2, 2]
    assert stats.job("client_daily", DAY)["state"] == "state_processed"
    assert stats.job("site_hourly", "2026112102")["state"] == "state_processed"
