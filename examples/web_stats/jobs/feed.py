"""How do page views come in? A freerun process that collects what was viewed since it last did."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from . import tables, views

# How far back the first collection reaches.
FIRST = timedelta(hours=3)


def collect(work: Any) -> int:
    """Take in the page views up to this trigger's time; twice the same trigger adds nothing."""
    return collect_until(work.arguments["source"], work.end)


def collect_until(path: str, moment: datetime) -> int:
    """Take in the page views between the last collection and `moment`; returns how many."""
    with tables.source(path) as db:
        found = db.execute("SELECT max(until) FROM collected").fetchone()[0]
        low = datetime.fromisoformat(f"{found}+00:00") if found else moment - FIRST
        high = moment.replace(second=0, microsecond=0)
        added = tables.add(db, views.generated(low, high))
        db.execute("DELETE FROM collected")
        db.execute("INSERT INTO collected VALUES (?)", (tables.text(max(low, high)),))
    return added


def load_log(path: str, log: str, site: str) -> int:
    """Take in an access log; returns how many views were new."""
    with Path(log).open(encoding="utf-8", errors="replace") as lines, tables.source(path) as db:
        return tables.add(db, views.of_log(lines, site))
