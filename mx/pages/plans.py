"""What would a command touch, before it is given? A plan, and one form that asks for the reason."""

from __future__ import annotations

from secrets import token_urlsafe
from urllib.parse import urlencode

from flask import Blueprint, g, redirect, request
from flask.typing import ResponseReturnValue

from mx import forms
from mx.desk import Desk
from mx.frame import shown
from mx.models.plans import WhatIf
from mx.security.roles import Role, needs
from system.timeplaces import read

# What a verb is called on a button, what it does, and what it does to many.
VERBS = {
    "reprocess": ("Reprocess", "These jobs run again, with all that is made of them: each once, in order, behind its gate."),
    "skip": ("Skip", "What of these is not finished is given up, with what lies inside; what waits for it for good is skipped, too."),
    "hold": ("Hold", "What of these has not begun waits until somebody releases it."),
    "release": ("Release", "What of these is held goes on."),
    "trigger": ("Trigger", "What of these is over runs now, without waiting for its lag or schedule; gates still hold."),
    "cancel": ("Cancel", "What of these is requested or running is ended and skipped. An outcome that is written first wins."),
}
LEFT_VERBS = ("hold", "skip")


def page(desk: Desk) -> Blueprint:
    """Return `/plan`, and the giving of what it shows: a POST to `/commands`."""
    bp = Blueprint("plans", __name__)
    views = _Views(desk)
    bp.get("/plan")(views.show)
    bp.post("/commands")(views.give)
    return bp


class _Views:
    """The views, over a desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def show(self) -> ResponseReturnValue:
        """Show what a command would touch now."""
        asked = request.args
        verb, processes, timeperiod = asked.get("verb", ""), asked.getlist("process"), asked.get("timeperiod", "")
        if asked.get("to") is not None:
            return redirect(f"/plan?{urlencode(self._without_to(), doseq=True)}", 303)
        of = forms.number("of", 0)
        if verb not in VERBS or not (of or (timeperiod and processes)):
            return shown("plan_ask", verbs=VERBS, verb=verb, processes=processes, timeperiod=timeperiod, until=asked.get("until", ""))
        plan = self._desk.what_is_left(of, verb) if of else self._desk.what_if(verb, processes, timeperiod, asked.get("until", ""))
        return _plan(plan, processes, of)

    @needs(Role.OPERATOR)
    def give(self) -> ResponseReturnValue:
        """Give what a plan showed, and lead to its progress."""
        verb, form = forms.chosen("verb", tuple(VERBS)), request.form
        why, token, who = forms.reason(), form.get("token", "")[:64], g.user.name
        of = form.get("of", "")
        if of.isascii() and of.isdigit() and len(of) < 10 and int(of):
            given = self._desk.give_left(int(of), verb, who, why, token=token)
        else:
            periods = form.get("timeperiod", ""), form.get("until", "")
            given = self._desk.give(verb, form.getlist("process"), periods[0], who, why, until=periods[1], token=token)
        return redirect(f"/commands/{given.number}", 303)

    @staticmethod
    def _without_to() -> dict[str, object]:
        """Return the address with the first period that is left out instead of the last one that is meant."""
        asked = request.args
        low, high = asked.get("timeperiod", ""), asked.get("to", "")
        beyond = read(high).beside(1) if high else None
        until = beyond.text if beyond and high != low else ""
        facts: dict[str, object] = {"verb": asked.get("verb", ""), "process": asked.getlist("process"), "timeperiod": low}
        return facts | ({"until": until} if until else {})


def _plan(plan: WhatIf, processes: list[str], of: int) -> str:
    refused = [part for part in plan.parts if part.refusal]
    return shown(
        "plan", plan=plan, processes=processes, of=of, refused=refused, label=VERBS[plan.verb][0], does=VERBS[plan.verb][1],
        token=token_urlsafe(12), here=request.full_path.removesuffix("?"),
    )  # fmt: skip
