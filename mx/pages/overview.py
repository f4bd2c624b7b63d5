"""What needs a person now, and how does the whole stand? The first page."""

from __future__ import annotations

from flask import Blueprint

from mx.charts import Chart, stacked
from mx.desk import Desk
from mx.frame import shown
from mx.models.overview import Overview


def page(desk: Desk) -> Blueprint:
    """Return `/`."""
    bp = Blueprint("overview", __name__)

    @bp.get("/")
    def overview() -> str:
        """Show what needs a person, how far all is, what goes on, and who schedules."""
        seen = desk.overview()
        finished = [minute.processed + minute.noop + minute.skipped for minute in seen.recent.minutes]
        return shown("overview", seen=seen, done=_done(seen), open=_open(seen), finished=finished)

    return bp


def _done(seen: Overview) -> Chart:
    return stacked([[("processed", m.processed), ("noop", m.noop), ("skipped", m.skipped)] for m in seen.recent.minutes])


def _open(seen: Overview) -> Chart:
    return stacked([[("open", m.open)] for m in seen.recent.minutes])
