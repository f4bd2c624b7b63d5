"""The stream that tells open pages of changes, and the line at the head of every page that says whether anything is scheduled."""

from __future__ import annotations

from flask import Blueprint, Response, render_template

from mx.desk import Desk
from mx.frame import pulse_of
from mx.live import Live


def page(desk: Desk, live: Live) -> Blueprint:
    """Return `/live` and `/pulse`."""
    bp = Blueprint("live", __name__)

    @bp.get("/live")
    def stream() -> Response:
        """Tell of changes until the reader leaves."""
        return Response(live.events(), mimetype="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})

    @bp.get("/pulse")
    def pulse() -> str:
        return render_template("_pulse.html", pulse=pulse_of(desk))  # what can't be answered, the page itself says

    return bp
