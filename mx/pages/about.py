"""What is this deployment, and what does the doctor find? `/about`."""

from __future__ import annotations

from flask import Blueprint, g, redirect
from flask.typing import ResponseReturnValue

from mx.desk import Desk
from mx.frame import shown
from mx.security.roles import Role, needs


def page(desk: Desk) -> Blueprint:
    """Return `/about`, and the doctor's look."""
    bp = Blueprint("about", __name__)

    @bp.get("/about")
    def about() -> str:
        return shown("about", found=desk.about(is_admin=g.user.may(Role.ADMIN)), checkup=desk.checkup())

    @bp.post("/about/checkup")
    @needs(Role.VIEWER)
    def look() -> ResponseReturnValue:
        desk.look_again()
        return redirect("/about#doctor", 303)

    return bp
