"""Who did what, when and why, and what came of it? The audit log, and the progress of each command."""

from __future__ import annotations

from flask import Blueprint, request

from mx import forms
from mx.desk import Desk
from mx.frame import shown
from mx.pages.plans import VERBS

STAGES = ("held", "failing", "ending", "running", "requested", "waiting", "finished")
_STATES = ("open", "done", "refused")


def page(desk: Desk) -> Blueprint:
    """Return `/commands` and `/commands/<number>`."""
    bp = Blueprint("commands", __name__)

    @bp.get("/commands")
    def commands() -> str:
        """Show commands, the newest first."""
        wanted = {name: forms.words(name) for name in ("who", "verb", "process")}
        state = request.args.get("state", "")
        wanted["state"] = state if state in _STATES else ""
        before = forms.number("before", 0, most=2**31 - 1)
        found = desk.commands(before=before, limit=forms.PAGE, **wanted)
        return shown("commands", found=found, wanted=wanted, before=before, states=_STATES)

    @bp.get("/commands/<int:number>")
    def command(number: int) -> str:
        """Show what came of a command and of those that were given with it."""
        found = desk.progress(min(number, 2**31 - 1))
        return shown("command", found=found, command=found.command, stages=STAGES, verbs=VERBS)

    return bp
