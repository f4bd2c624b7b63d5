"""One process: what it is, how far it is, and how long its runs took."""

from __future__ import annotations

from flask import Blueprint

from mx.desk import Desk
from mx.drawing.durations import row
from mx.frame import shown

_STATES = ("processed", "noop", "skipped", "in_progress", "final_run", "embryo")


def page(desk: Desk) -> Blueprint:
    """Return `/process/<name>`."""
    bp = Blueprint("process", __name__)

    @bp.get("/process/<name>")
    def process(name: str) -> str:
        found = desk.process(name)
        runs = found.last_runs[::-1]
        p50, p90 = (found.usual.seconds, found.usual.long_s) if found.usual else (None, None)
        counts = found.counts.by_state if found.counts else {}
        return shown(
            "process",
            process=found,
            runs=runs,
            row=row([run.seconds for run in runs], p50, p90),
            states=[(state, counts.get(f"state_{state}", 0)) for state in _STATES],
            is_long=len([each for each in runs if each.seconds is not None]) > 0,
        )

    return bp
