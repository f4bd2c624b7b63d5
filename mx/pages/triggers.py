"""What brings work about? `/triggers`: managed processes and freerun entries, several of them switched at once."""

from __future__ import annotations

from flask import Blueprint, g, request
from flask.typing import ResponseReturnValue

from mx import forms
from mx.desk import Desk
from mx.forms import BadForm, Pager, back, chosen, reason, told
from mx.frame import shown
from mx.security.roles import Role, needs

PROCESS_VERBS = ("on", "off", "trigger", "reset")
ENTRY_VERBS = ("on", "off", "trigger", "cancel", "release")
_PROCESS_STATES = ("", "on", "off", "changed")
_ENTRY_STATES = ("", "on", "off", "held", "failing", "deleted")


def page(desk: Desk) -> Blueprint:
    """Return `/triggers` with its two lists, and what is done there."""
    bp = Blueprint("triggers", __name__)
    views = _Lists(desk)
    bp.get("/triggers")(views.show)
    bp.post("/triggers")(views.act)
    return bp


class _Lists:
    """The views, over a desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def show(self) -> str:
        """Show managed processes, or freerun entries."""
        return self._entries() if request.args.get("of") == "entries" else self._processes()

    @needs(Role.OPERATOR)
    def act(self) -> ResponseReturnValue:
        """Do something to what is marked."""
        of = chosen("of", ("processes", "entries"))
        numbers = self._switch() if of == "processes" else self._command()
        return back(forms.place("/triggers"), numbers)

    def _processes(self) -> str:
        at, state = forms.page_number(), _one_of(_PROCESS_STATES)
        found = self._desk.process_triggers(words=forms.words(), state=state, offset=(at - 1) * forms.PAGE, limit=forms.PAGE)
        facts = {"found": found, "pager": Pager(at, found.total), "states": _PROCESS_STATES[1:], "state": state}
        return shown("triggers", answers=self._desk.answers(told()), here=forms.here(), **facts)

    def _entries(self) -> str:
        at, state, process = forms.page_number(), _one_of(_ENTRY_STATES), forms.words("process")
        offset = (at - 1) * forms.PAGE
        found = self._desk.entry_triggers(process=process, words=forms.words(), state=state, offset=offset, limit=forms.PAGE)
        facts = {"found": found, "pager": Pager(at, found.total), "states": _ENTRY_STATES[1:], "state": state, "process": process}
        facts |= {"processes": self._desk.freerun_processes(), "answers": self._desk.answers(told())}
        return shown("trigger_entries", here=forms.here(), **facts)

    def _switch(self) -> list[int]:
        verb, why, who, token = chosen("verb", PROCESS_VERBS), reason(), g.user.name, forms.sending()
        places = [name.partition("/") for name in _marked("process")]
        if verb != "trigger":
            return [self._desk.switch_process(verb, process, who, why, token=token) for process, _, _ in places]
        numbers = [self._desk.trigger_process(process, ahead, who, why, token=token) for process, _, ahead in places if ahead]
        if not numbers:
            raise BadForm("nothing of what is marked waits for its lag or its schedule alone: there is nothing to trigger")
        return numbers

    def _command(self) -> list[int]:
        verb, why, who, token = chosen("verb", ENTRY_VERBS), reason(), g.user.name, forms.sending()
        places = [name.partition("/") for name in _marked("entry")]
        return [self._desk.command_entry(verb, process, entry, who, why, token=token) for process, _, entry in places]


def _one_of(states: tuple[str, ...]) -> str:
    found = request.args.get("state", "")
    return found if found in states else ""


def _marked(name: str) -> list[str]:
    found = list(dict.fromkeys(request.form.getlist(name)))
    if not found:
        raise BadForm("nothing is marked: mark the rows that are meant, then press again. Nothing was changed")
    if len(found) > forms.PAGE:
        raise BadForm(f"{len(found):,} rows are marked: {forms.PAGE} at most at once. Nothing was changed")
    return found
