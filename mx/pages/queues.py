"""What waits in the queues, and what was given up on? `/queues`, `/queues/<name>` and `/dead`."""

from __future__ import annotations

from flask import Blueprint, g, request
from flask.typing import ResponseReturnValue

from mx import forms
from mx.desk import Desk
from mx.forms import BadForm, Pager, back, chosen, reason, told
from mx.frame import shown
from mx.models.queues import QueueAnswer
from mx.security.roles import Role, needs


def page(desk: Desk) -> Blueprint:
    """Return the pages of queues and what is done there."""
    bp = Blueprint("queues", __name__)

    @bp.get("/queues")
    def queues() -> str:
        at, is_busy = forms.page_number(), request.args.get("busy") == "1"
        found = desk.queues(words=forms.words(), offset=(at - 1) * forms.PAGE, limit=forms.PAGE, only_busy=is_busy)
        return shown("queues", found=found, pager=Pager(at, found.total), is_busy=is_busy)

    @bp.get("/queues/<name>")
    def queue(name: str) -> str:
        row = desk.queue(name)
        letters = desk.dead_letters() if row.readers == ("dead letters",) else None
        return shown("queue", row=row, letters=letters, answers=desk.answers(told()))

    @bp.post("/queues/<name>/purge")
    @needs(Role.ADMIN)
    def purge(name: str) -> ResponseReturnValue:
        return _back(name, desk.purge_queue(name, g.user.name, reason(), token=forms.sending()))

    @bp.post("/queues/<name>/dead")
    @needs(Role.OPERATOR)
    def settle(name: str) -> ResponseReturnValue:
        verb, why = chosen("verb", ("requeue", "drop", "requeue all", "drop all")), reason()
        only = None if verb.endswith(" all") else list(dict.fromkeys(request.form.getlist("letter")))
        if only == []:
            raise BadForm("nothing is marked: mark the messages that are meant, then press again. Nothing was changed")
        settled = desk.requeue_dead if verb.startswith("requeue") else desk.drop_dead
        return _back(name, settled(g.user.name, why, only=only, token=forms.sending()))

    return bp


def _back(name: str, answer: QueueAnswer) -> ResponseReturnValue:
    return back(f"/queues/{name}", [answer.command])
