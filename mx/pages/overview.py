"""What needs a person now, and how does the whole stand? The first page."""

from __future__ import annotations

from flask import Blueprint

from mx.desk import Desk
from mx.frame import shown


def page(desk: Desk) -> Blueprint:
    """Return `/`."""
    bp = Blueprint("overview", __name__)

    @bp.get("/")
    def overview() -> str:
        return shown("overview", pulse=desk.pulse())

    return bp
