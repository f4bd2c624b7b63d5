"""Do the second example's jobs count what came in, the same whenever they are asked, and take an access log?"""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from examples.web_stats.jobs import alert, client, feed, site, tables
from examples.web_stats.jobs.views import View, generated, of_log
from tests.support.sources import ROOT

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
log = logging.getLogger(__name__)
LINE = '10.0.0.7 - ann [20/Nov/2026:13:05:00 +0100] "GET /prices HTTP/1.1" {} 512 "-" "browser"'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for the example's files."""
    return tmp_path


def work(folder: Path, process: str, timeperiod: str, start: datetime, end: datetime, until: str = "") -> Any:
    """Return what a job is given."""
    return SimpleNamespace(
        arguments={"source": str(folder / "views"), "sink": str(folder / "figures")}, process=process, timeperiod=timeperiod, start=start,
        end=end, start_timeperiod=timeperiod, end_timeperiod=until, fence=1, no_data=lambda reason: ("no data", reason), log=log,
    )  # fmt: skip


def look(folder: Path, *views: tuple[int, str]) -> None:
    """Let clients look at the shop, each so many minutes after noon."""
    with tables.source(str(folder / "views")) as db:
        tables.add(db, [View(NOON + timedelta(minutes=minute), "shop", who, "/", 100) for minute, who in views])


def figures(folder: Path, table: str = "site") -> list[tuple[Any, ...]]:
    """Return what was counted."""
    with closing(sqlite3.connect(folder / "figures")) as db:
        return db.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3").fetchall()


def noon(folder: Path) -> Any:
    return work(folder, "site_hourly", "2026112012", NOON, NOON + HOUR, "2026112013")


def test_the_same_minutes_have_the_same_views_however_they_are_asked_for() -> None:
    whole = list(generated(NOON, NOON + HOUR))
    parts = [view for n in range(4) for view in generated(NOON + n * HOUR / 4, NOON + (n + 1) * HOUR / 4)]
    assert whole == parts
    assert [view.at for view in whole] == sorted(view.at for view in whole)


def test_views_are_collected_once(folder: Path) -> None:
    path = str(folder / "views")
    first = feed.collect_until(path, NOON)
    assert first == sum(1 for _ in generated(NOON - feed.FIRST, NOON))
    assert feed.collect_until(path, NOON + timedelta(seconds=59)) == 0
    assert feed.collect_until(path, NOON + HOUR) == sum(1 for _ in generated(NOON, NOON + HOUR))


def test_a_session_ends_with_a_pause_of_half_an_hour(folder: Path) -> None:
    look(folder, (0, "ann"), (20, "ann"), (55, "ann"), (5, "bob"))
    assert site.hourly(noon(folder)) == 4
    assert figures(folder) == [("hourly", "2026112012", "shop", 4, 3, 2, 400)]


def test_a_session_counts_in_the_hour_in_which_it_began(folder: Path) -> None:
    look(folder, (-61, "bob"), (-40, "ann"), (-10, "ann"), (5, "ann"), (10, "bob"), (59, "ann"), (61, "ann"))
    assert site.hourly(noon(folder)) == 3
    assert figures(folder) == [("hourly", "2026112012", "shop", 3, 2, 2, 300)]


def test_an_open_hour_counts_what_is_there_and_is_replaced_by_the_next_run(folder: Path) -> None:
    look(folder, (1, "ann"))
    assert site.hourly(noon(folder)) == 1
    look(folder, (2, "ann"))
    assert site.hourly(noon(folder)) == 2
    assert [row[3] for row in figures(folder)] == [2]


def test_nobody_is_no_data(folder: Path) -> None:
    look(folder, (90, "ann"))
    assert site.hourly(noon(folder)) == ("no data", "nobody looked at a page")


def test_a_day_adds_its_hours_up_and_its_clients_are_counted_apart(folder: Path) -> None:
    look(folder, (1, "ann"), (61, "ann"), (62, "bob"))
    for hour in (0, 1):
        start = NOON + hour * HOUR
        site.hourly(work(folder, "site_hourly", f"20261120{12 + hour}", start, start + HOUR))
    midnight = NOON.replace(hour=0)
    day = work(folder, "site_daily", "2026112000", midnight, midnight + timedelta(days=1), "2026112100")
    assert (site.daily(day), client.daily(day)) == (3, 2)
    assert [row[2:5] for row in figures(folder, "client")] == [("ann", 2, 2), ("bob", 1, 1)]


@pytest.mark.parametrize(("now", "said"), [(10, ""), (4, "4 views, 10 a week before"), (21, "21 views, 10 a week before")])
def test_an_alert_compares_with_the_week_before(folder: Path, now: int, said: str) -> None:
    day = work(folder, "alert_daily", "2026112000", NOON.replace(hour=0), NOON)
    with tables.sink(day.arguments["sink"]) as db:
        for timeperiod, views in (("2026111300", 10), ("2026112000", now)):
            tables.replace(db, "site", "daily", timeperiod, [("shop", views, 1, 1, 0)])
    assert alert.daily(day) == 1
    assert figures(folder, "alert") == [("2026112000", now, 10, said)]


def test_an_access_log_is_read_and_what_is_no_page_view_is_left_out() -> None:
    lines = [LINE.format(200), LINE.format(404), "", "no line of a log"]
    assert list(of_log(lines, "shop")) == [View(datetime(2026, 11, 20, 12, 5, tzinfo=UTC), "shop", "10.0.0.7", "/prices", 512)]


def test_the_script_loads_a_log_once_and_refuses_what_is_not_there(folder: Path) -> None:
    (folder / "access.log").write_text(LINE.format(200) + "\n")
    script = str(ROOT / "examples" / "web_stats" / "load_log.py")
    calls = [(str(folder / "access.log"), "shop")] * 2 + [(str(folder / "nowhere.log"), "shop"), ()]
    found = [
        subprocess.run([sys.executable, script, *call], env={"WEB_STATS_DATA": str(folder)}, capture_output=True, text=True, check=False)
        for call in calls
    ]
    assert [run.returncode for run in found] == [0, 0, 1, 2]
    assert [run.stdout for run in found] == ["1 page views are new\n", "0 page views are new\n", "", ""]
    assert "nowhere.log can't be read: No such file" in found[2].stderr
