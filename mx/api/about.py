"""The deployment itself: settings, what the doctor finds, the logs of the box that answers."""

from __future__ import annotations

from typing import Literal

from flask import Response, g
from pydantic import BaseModel, Field

from mx.api.answers import answer
from mx.api.app import Part, area
from mx.api.params import Count, Name, Query
from mx.desk import Desk
from mx.models.about import About, Checkup
from mx.models.logs import LogFiles, LogPart
from mx.security.roles import Role


class LogPath(BaseModel):
    """A log in the address."""

    name: Name


class LogQuery(Query):
    """Which part of a log."""

    kilobytes: Count = Field(64, ge=1, le=1_024, description="How much of its end is read.")
    level: Literal["debug", "info", "warning", "error"] | None = Field(None, description="Only lines from this level on.")
    words: str = Field("", max_length=200, description="Only lines that hold this.")
    lines: Count = Field(500, ge=1, le=5_000, description="At most so many, the last ones.")


def api(desk: Desk) -> Part:
    """Return `/about`, `/checkup`, `/logs` and what lies under it."""
    bp = area("about", "Settings, versions, logs, and what the doctor finds")

    @bp.get("/about", operation_id="about", responses={200: About})
    def about() -> Response:
        """Show versions, settings and where they came from, store and broker. What may hold a password is for admins."""
        return answer(desk.about(is_admin=g.user.may(Role.ADMIN)))

    @bp.get("/checkup", operation_id="checkup", responses={200: Checkup})
    def checkup() -> Response:
        """Show what the doctor found when it looked last."""
        return answer(desk.checkup())

    @bp.get("/logs", operation_id="list_logs", responses={200: LogFiles})
    def logs() -> Response:
        """List the logs of the box that answers."""
        return answer(desk.logs())

    @bp.get("/logs/<name>", operation_id="get_log", responses={200: LogPart})
    def log(path: LogPath, query: LogQuery) -> Response:
        """Show the end of a log, or what is found in it."""
        part = desk.log_part(path.name, kilobytes=query.kilobytes, level=query.level or "", words=query.words, lines=query.lines)
        return answer(part)

    return bp
