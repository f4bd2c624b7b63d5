"""How is the year shown on a terminal? A few tables that fit into 80 columns."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
AIRPORTS = {"EWR": "Newark (EWR)", "JFK": "Kennedy (JFK)", "LGA": "LaGuardia (LGA)"}
AIRLINES = {
    "9E": "Endeavor Air", "AA": "American Airlines", "AS": "Alaska Airlines", "B6": "JetBlue Airways", "DL": "Delta Air Lines",
    "EV": "ExpressJet Airlines", "F9": "Frontier Airlines", "FL": "AirTran Airways", "HA": "Hawaiian Airlines", "MQ": "Envoy Air",
    "OO": "SkyWest Airlines", "UA": "United Air Lines", "US": "US Airways", "VX": "Virgin America", "WN": "Southwest Airlines",
    "YV": "Mesa Airlines",
}  # fmt: skip
BAR_WIDTH = 16
TOP_CARRIERS = 6

Row = tuple[str, int, int, float | None, int | None]

_SUMS = "sum(flights), sum(cancelled), 1.0 * sum(delay_sum) / sum(departed), max(worst_delay)"
BY_MONTH = f"SELECT timeperiod, {_SUMS} FROM flights_monthly GROUP BY timeperiod ORDER BY timeperiod"
BY_ORIGIN = f"SELECT origin, {_SUMS} FROM flights_yearly GROUP BY origin ORDER BY 2 DESC"
BY_CARRIER = f"SELECT carrier, {_SUMS} FROM flights_yearly GROUP BY carrier ORDER BY 2 DESC LIMIT {TOP_CARRIERS}"
BY_WEATHER = f"SELECT weather, {_SUMS} FROM delays_monthly GROUP BY weather ORDER BY 4 DESC"


def year_tables(db: sqlite3.Connection, year: Mapping[str, object], facts: Mapping[str, object]) -> list[RenderableType]:
    """Return what to print: the year by month, airport, carrier and weather, and a line of how it came about."""
    months = _table("month", ((MONTHS[int(period[4:6]) - 1], *rest) for period, *rest in db.execute(BY_MONTH)))
    return [
        Text("Flights from New York, 2013", style="bold"),
        months,
        _table("airport", ((AIRPORTS.get(code, code), *rest) for code, *rest in db.execute(BY_ORIGIN))),
        _table("airline", ((AIRLINES.get(code, code), *rest) for code, *rest in db.execute(BY_CARRIER))),
        _table("weather", db.execute(BY_WEATHER)),
        Text(_summary(year, facts)),
    ]


def _table(title: str, rows: Iterable[Row]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(title, min_width=18)
    for name in ("flights", "cancelled", "worst", "mean"):
        table.add_column(name, justify="right", min_width=7)
    table.add_column("delay, minutes", min_width=BAR_WIDTH)
    found = list(rows)
    longest = max((mean or 0.0 for _, _, _, mean, _ in found), default=0.0)
    for name, flights, cancelled, mean, worst in found:
        bar = Text("█" * round(BAR_WIDTH * (mean or 0.0) / longest) if longest > 0 else "", style="cyan")
        table.add_row(name, f"{flights:,}", f"{cancelled:,}", _shown(worst, ",d"), _shown(mean, ".1f"), bar)
    return table


def _shown(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _summary(year: Mapping[str, object], facts: Mapping[str, object]) -> str:
    lines = [f"{year['flights']:,} flights, {year['cancelled']:,} cancelled; {year['weather_rows']:,} weather readings"]
    lines.append(f"{year['hours_processed']:,} hours with flights, {year['hours_noop']:,} without, {year['days']} of 365 days")
    if {"jobs", "uows", "seconds"} <= facts.keys():
        lines.append(f"{facts['jobs']:,} jobs in {facts['uows']:,} units of work, {facts['seconds']} seconds")
    return "\n".join(lines)
