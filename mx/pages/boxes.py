"""How do the machines stand, and what is wanted of them? `/boxes`."""

from __future__ import annotations

from flask import Blueprint, g, request
from flask.typing import ResponseReturnValue

from mx.desk import Desk
from mx.forms import BadForm, back, chosen, reason, sending, told
from mx.frame import shown
from mx.security.roles import Role, needs


def page(desk: Desk) -> Blueprint:
    """Return `/boxes` and what is done there."""
    bp = Blueprint("boxes", __name__)

    @bp.get("/boxes")
    def boxes() -> str:
        return shown("boxes", found=desk.boxes(), answers=desk.answers(told()))

    @bp.post("/boxes")
    @needs(Role.OPERATOR)
    def switch() -> ResponseReturnValue:
        verb, why, places, who, token = chosen("verb", ("start", "stop")), reason(), _marked(), g.user.name, sending()
        instances = _instances(desk.boxes().most_instances) if verb == "start" else 0
        numbers = []
        for box, process in places:
            if verb == "start":
                numbers.append(desk.start_on(box, process, who, why, instances=instances, token=token))
            else:
                numbers.append(desk.stop_on(box, process, who, why, token=token))
        return back("/boxes", numbers)

    @bp.post("/boxes/<box>/forget")
    @needs(Role.ADMIN)
    def forget(box: str) -> ResponseReturnValue:
        why = reason()
        return back("/boxes", [desk.forget_box(box, g.user.name, why, token=sending())])

    return bp


def _marked() -> list[tuple[str, str]]:
    """Return what is marked, as box and process; a process has no `/` in its name."""
    found = [name.rpartition("/") for name in dict.fromkeys(request.form.getlist("place"))]
    if not found:
        raise BadForm("nothing is marked: mark the processes that are meant, then press again. Nothing was changed")
    return [(box, process) for box, _, process in found]


def _instances(most: int) -> int:
    """Return how many instances are wanted; 0 for as many as there were."""
    text = request.form.get("instances", "").strip()
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= most):
        raise BadForm(f"the number of instances is {text[:20]!r}: expected 1 to {most}, or nothing for as many as now. Nothing was changed")
    return int(text)
