"""Does it live, is it ready, and what does it measure? For those who watch: load balancers, orchestrators, Prometheus."""

from __future__ import annotations

from typing import Literal

from flask import Response
from flask_openapi3.models.tag import Tag

from mx.api.answers import answer
from mx.api.app import Part, area
from mx.api.problems import problem
from mx.desk import Desk
from mx.metrics import CONTENT_TYPE, text_of
from mx.models.base import Model
from mx.models.presence import Standby
from mx.security.roles import open_by_setting, public

# A leader beats several times in this; one that is taken over from does not come so far.
READY_S = 30.0
_TEXT = {"description": "Figures in the text format of Prometheus.", "content": {"text/plain": {"schema": {"type": "string"}}}}


class Sign(Model):
    """A sign of life."""

    status: Literal["ok"] = "ok"


def api(desk: Desk) -> Part:
    """Return `/api/v1/health`."""
    bp = area("health", "Whether anything is scheduled, and who is there")

    @bp.get("/health", operation_id="health", responses={200: Standby})
    def health() -> Response:
        """Who leads, since when, how old its last turn is, and every session that is open."""
        return answer(desk.standby())

    return bp


def signs(desk: Desk) -> Part:
    """Return `/healthz`, `/readyz` and `/metrics`."""
    bp = Part("signs", abp_tags=[Tag(name="signs", description="For load balancers, orchestrators and Prometheus")])

    @bp.get("/healthz", operation_id="healthz", responses={200: Sign})
    @public
    def healthz() -> Response:
        """This process lives. Asks nobody else."""
        return answer(Sign())

    @bp.get("/readyz", operation_id="readyz", responses={200: Sign})
    @public
    def readyz() -> Response:
        """The store can be reached, and a scheduler did a turn lately."""
        pulse = desk.pulse()  # raises where the store is away
        if not pulse.leader or pulse.last_turn_age_s is None:
            return problem(503, "no scheduler leads, so nothing is scheduled: `launch.py up` starts one")
        if pulse.last_turn_age_s > READY_S:
            age = f"{pulse.last_turn_age_s:.0f} s"
            return problem(503, f"the last turn that succeeded is {age} old, on {pulse.box}: its log/scheduler.log says why")
        return answer(Sign())

    @bp.get("/metrics", operation_id="metrics", responses={200: _TEXT})
    @open_by_setting
    def metrics() -> Response:
        """All figures."""
        return Response(text_of(desk.measures()), content_type=CONTENT_TYPE)

    return bp
