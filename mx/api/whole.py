"""The whole: what needs a person now, the heat map, and the audit."""

from __future__ import annotations

from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from mx.api.answers import answer
from mx.api.app import Part, area
from mx.api.params import Body, Count, Query, moment_of
from mx.desk import Desk
from mx.models.audit import AuditCount, AuditLook
from mx.models.overview import Overview
from mx.models.timetable import HeatMap
from mx.security.roles import Role, needs


class StatusQuery(Query):
    """How many lines of each kind."""

    needs: Count = Field(20, ge=0, le=500)
    marks: Count = Field(20, ge=0, le=1_000)
    running: Count = Field(10, ge=0, le=500)


class HeatMapQuery(Query):
    """Which part of the heat map."""

    place: str | None = Field(
        None, pattern=r"^([0-9]{4}|[0-9]{6}|[0-9]{8}|[0-9]{10})?$",
        description="What is shown: `2013` for its months, `201311` for its days; empty for all years.",
    )  # fmt: skip
    tree: str = Field("", max_length=190)
    find: str = Field("", max_length=190, description="Only processes whose names hold this.")
    page: Count = Field(1, ge=1, le=100_000)
    size: Count = Field(50, ge=1, le=200)


class Looked(Body):
    """At which records to look: of all processes, or of one; of all periods, or of those that begin in a range."""

    process: str = Field("", max_length=190)
    low: str = Field("", max_length=40, description="Periods that begin before are left out: a moment such as 2026-11-21T09:00:00Z.")
    high: str = Field("", max_length=40, description="Periods that begin then or later are left out.")
    anew: bool = Field(default=False, description="Begin again where the last look at this range has ended.")


class AuditSeen(BaseModel):
    """What the leader counted last; null where nobody leads, or nothing was counted yet."""

    model_config = ConfigDict(frozen=True)

    last: AuditCount | None


def api(desk: Desk) -> Part:
    """Return `/status`, `/heat-map`, `/audit` and what lies under it."""
    bp = area("status", "How the whole stands")

    @bp.get("/status", operation_id="status", responses={200: Overview})
    def status(query: StatusQuery) -> Response:
        """Show what needs a person first, then how far all is, what runs, what waits, and who schedules."""
        return answer(desk.overview(needs=query.needs, marks=query.marks, running=query.running))

    @bp.get("/heat-map", operation_id="heat_map", responses={200: HeatMap})
    def heat_map(query: HeatMapQuery) -> Response:
        """Show processes by units of time, each cell the worst state of the periods inside it."""
        return answer(desk.heat_map(query.place, tree=query.tree, find=query.find, page=query.page, size=query.size))

    @bp.get("/audit", operation_id="audit", responses={200: AuditSeen})
    def audit() -> Response:
        """Show what the leader counted over the last 24 hours: missing, ran twice, overlapped, out of order."""
        return answer(AuditSeen(last=desk.audit_count()))

    @bp.post("/audit/looks", operation_id="audit_look", responses={200: AuditLook})
    @needs(Role.VIEWER)
    def look(body: Looked) -> Response:
        """Look at the records of a range. It goes on beside: ask again for how far it is, until `ended_at` is there."""
        low, high = (moment_of(text, name) for text, name in ((body.low, "low"), (body.high, "high")))
        return answer(desk.audit_look(body.process, low, high, anew=body.anew))

    return bp
