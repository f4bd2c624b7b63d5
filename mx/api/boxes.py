"""Boxes: how the machines stand, and what is to run on them."""

from __future__ import annotations

from flask import Response, g
from pydantic import BaseModel, Field

from mx.api.answers import Accepted, accepted, answer
from mx.api.app import Part, area
from mx.api.freerun import WhyQuery
from mx.api.idempotency import mark
from mx.api.params import Name, Reasoned
from mx.api.problems import Fault, Refused
from mx.desk import Desk
from mx.models.boxes import Boxes
from mx.security.roles import Role, needs


class BoxPath(BaseModel):
    """A box in the address."""

    box: Name


class BoxProcessPath(BoxPath):
    """A process of a box in the address."""

    process: Name


class Wish(Reasoned):
    """What is wanted of a process of a box."""

    is_on: bool = Field(description="Whether it is to run.")
    instances: int = Field(0, ge=0, le=1_000, description="How many of it; 0: as many as were wanted before.")


def api(desk: Desk) -> Part:
    """Return `/boxes` and what lies under it."""
    bp = area("boxes", "Machines, and the processes that their supervisors keep alive")

    @bp.get("/boxes", operation_id="list_boxes", responses={200: Boxes})
    def boxes() -> Response:
        """Show all boxes: supervisors, processes, instances, and what a person should know of them."""
        return answer(desk.boxes())

    @bp.get("/boxes/<box>", operation_id="get_box", responses={200: Boxes})
    def box(path: BoxPath) -> Response:
        """Show one box."""
        return answer(desk.boxes(path.box))

    @bp.put("/boxes/<box>/<process>", operation_id="set_box", responses={202: Accepted})
    @needs(Role.OPERATOR)
    def wish(path: BoxProcessPath, body: Wish) -> Response:
        """Have a process run on a box, so many times, or not at all. Its supervisor takes that up within a beat."""
        if not body.is_on and body.instances:
            raise Refused(422, "instances go with is_on true", [Fault(where="instances", what="is out of place")])
        if body.is_on:
            return accepted(desk.start_on(path.box, path.process, g.user.name, body.why, instances=body.instances, token=mark()))
        return accepted(desk.stop_on(path.box, path.process, g.user.name, body.why, token=mark()))

    @bp.delete("/boxes/<box>", operation_id="forget_box", responses={202: Accepted})
    @needs(Role.ADMIN)
    def forget(path: BoxPath, query: WhyQuery) -> Response:
        """Forget a box that is gone."""
        return accepted(desk.forget_box(path.box, g.user.name, query.why, token=mark()))

    return bp
