"""What did the daemons of this box write? `/logs` and `/logs/<name>`: tailed live, filtered, searched, downloaded."""

from __future__ import annotations

from flask import Blueprint, Response, request

from mx import forms
from mx.desk import Desk
from mx.frame import shown

LEVELS = ("", "info", "warning", "error")
KILOBYTES = (64, 256, 1024, 4096)
_LINES = 1_000


def page(desk: Desk) -> Blueprint:
    """Return the pages of logs."""
    bp = Blueprint("logs", __name__)

    @bp.get("/logs")
    def logs() -> str:
        return shown("logs", found=desk.logs())

    @bp.get("/logs/<name>")
    def log(name: str) -> str:
        level, kilobytes = request.args.get("level", ""), forms.number("kb", KILOBYTES[0], least=1, most=KILOBYTES[-1])
        level = level if level in LEVELS else ""
        part = desk.log_part(name, kilobytes=kilobytes, level=level, words=forms.words(), lines=_LINES)
        return shown("log", part=part, level=level, kilobytes=kilobytes, levels=LEVELS[1:], sizes=KILOBYTES)

    @bp.get("/logs/<name>/text")
    def text(name: str) -> Response:
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return Response(desk.log_text(name), mimetype="text/plain", headers=headers)

    return bp
