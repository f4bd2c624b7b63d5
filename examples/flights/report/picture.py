"""How is the year drawn? One PNG of four panels, where matplotlib is installed."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

Axes = Any  # matplotlib's; it may not be installed

INK, BLUE, LIGHT, RED, GREY = "#222222", "#2b6cb0", "#9cc3e6", "#c53030", "#8a8a8a"

BY_DAY = """
SELECT timeperiod, 1.0 * sum(delay_sum) / sum(departed), 100.0 * sum(cancelled) / sum(flights)
FROM flights_daily GROUP BY timeperiod ORDER BY timeperiod
"""
BY_HOUR = """
SELECT substr(timeperiod, 9, 2), 1.0 * sum(delay_sum) / sum(departed)
FROM flights_hourly GROUP BY 1 HAVING sum(departed) > 100 ORDER BY 1
"""
BY_WEATHER = """
SELECT weather, 1.0 * sum(delay_sum) / sum(departed), 100.0 * sum(cancelled) / sum(flights)
FROM delays_monthly WHERE weather <> 'unknown' GROUP BY weather HAVING sum(departed) > 0 ORDER BY 2
"""
BY_CARRIER = """
SELECT carrier, sum(flights), 1.0 * sum(delay_sum) / sum(departed)
FROM flights_yearly GROUP BY carrier HAVING sum(flights) > 1000 ORDER BY 3
"""
STYLE = {
    "font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.edgecolor": GREY, "xtick.color": INK, "ytick.color": INK,
}  # fmt: skip


def draw(db: sqlite3.Connection, path: Path) -> str:
    """Draw the year into `path`; return a line that says where it is, or why there is none."""
    try:
        mpl = import_module("matplotlib")
    except ImportError:
        return "no picture: matplotlib is not installed (requirements-demo.txt holds it)"
    mpl.use("Agg")  # no display needed
    plt = import_module("matplotlib.pyplot")
    with plt.rc_context(STYLE):
        panels_below = ["hours", "weather", "carriers"]
        figure, panels = plt.subplot_mosaic([["days"] * 3, panels_below], figsize=(13, 8), layout="constrained")
        figure.suptitle("Flights from New York, 2013: when, and why, they left late", fontsize=15, fontweight="bold")
        _days(panels["days"], db)
        _hours(panels["hours"], db)
        _weather(panels["weather"], db)
        _carriers(panels["carriers"], db)
        figure.get_layout_engine().set(w_pad=0.15, h_pad=0.15)
        figure.savefig(path, dpi=110)
        plt.close(figure)
    return f"picture: {path}"


def _days(axes: Axes, db: sqlite3.Connection) -> None:
    rows = db.execute(BY_DAY).fetchall()
    days = [datetime.strptime(period[:8], "%Y%m%d").replace(tzinfo=UTC) for period, _, _ in rows]
    axes.bar(days, [share for _, _, share in rows], width=1.0, color=RED, alpha=0.75, label="cancelled, %")
    axes.plot(days, [mean for _, mean, _ in rows], color=BLUE, linewidth=1.3, label="mean departure delay, minutes")
    dates = import_module("matplotlib.dates")
    axes.xaxis.set_major_locator(dates.MonthLocator())
    axes.xaxis.set_major_formatter(dates.DateFormatter("%b"))
    axes.margins(x=0.005)
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set_title("Day by day")
    axes.legend(frameon=False, loc="upper right", ncols=2)


def _hours(axes: Axes, db: sqlite3.Connection) -> None:
    rows = db.execute(BY_HOUR).fetchall()
    axes.bar([int(hour) for hour, _ in rows], [mean for _, mean in rows], color=LIGHT)
    axes.set_title("By hour of day: delay adds up")
    axes.set_xlabel("scheduled hour")
    axes.set_ylabel("mean delay, minutes")
    axes.set_xticks(range(6, 24, 3))


def _weather(axes: Axes, db: sqlite3.Connection) -> None:
    rows = db.execute(BY_WEATHER).fetchall()
    bars = axes.barh([kind for kind, _, _ in rows], [mean for _, mean, _ in rows], color=LIGHT)
    axes.bar_label(bars, [f"{mean:.0f} min, {share:.1f} % cancelled" for _, mean, share in rows], padding=4, color=INK)
    axes.set_title("By weather")
    axes.set_xlabel("mean delay, minutes")
    axes.set_xlim(right=2.0 * max((mean for _, mean, _ in rows), default=1.0))


def _carriers(axes: Axes, db: sqlite3.Connection) -> None:
    rows = db.execute(BY_CARRIER).fetchall()
    axes.scatter([flights / 1000 for _, flights, _ in rows], [mean for _, _, mean in rows], color=BLUE, zorder=3)
    for carrier, flights, mean in rows:
        axes.annotate(carrier, (flights / 1000, mean), xytext=(5, 4), textcoords="offset points", color=INK)
    axes.set_title("By airline")
    axes.set_xlabel("flights, thousands")
    axes.set_ylabel("mean delay, minutes")
    axes.grid(visible=True, color="#eeeeee")
    axes.margins(0.12)
