"""By what does one process, or one freerun entry, run? `/triggers/<process>` and `/triggers/<process>/<entry>`: look, try, change."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from flask import Blueprint, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from mx import forms
from mx.desk import Desk
from mx.forms import BadForm, back, chosen, reason, told
from mx.frame import shown
from mx.models.triggers import EntryDetails, ScheduleTrial
from mx.security.roles import Role, needs

VERBS = ("on", "off", "trigger", "cancel", "release", "delete", "create")
_COMING = 10
# The fields of the form, and how each is read.
_TEXTS = ("trigger_frequency", "overlap", "misfire", "on_failure", "description")
_NUMBERS = ("grace_s", "max_attempts")


def page(desk: Desk) -> Blueprint:
    """Return the pages of one process and of one entry."""
    bp = Blueprint("trigger_details", __name__)
    views = _Details(desk)
    bp.get("/triggers/<process>")(views.process)
    bp.post("/triggers/<process>")(views.reschedule)
    bp.post("/triggers/<process>/new")(views.create)
    bp.get("/triggers/<process>/<entry>")(views.entry)
    bp.post("/triggers/<process>/<entry>")(views.act)
    bp.get("/triggers/<process>/<entry>/change")(views.form)
    bp.post("/triggers/<process>/<entry>/change")(views.change)
    return bp


class _Details:
    """The views, over a desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def process(self, process: str) -> ResponseReturnValue:
        """Show the schedule of a managed process and try another one; for a freerun process, make an entry."""
        schedule = forms.words("schedule")
        if process in self._desk.freerun_processes():
            name = forms.words("entry", 80)
            trial = self._desk.try_schedule(schedule, process=process, entry=name, count=_COMING) if schedule and name else None
            total = self._desk.entry_triggers(process=process, limit=1).total
            return render_template("trigger_new.html", process=process, entry=name, schedule=schedule, trial=trial, total=total)
        found = self._desk.process_trigger(process)
        trial = self._desk.try_schedule(schedule or found.schedule, process=process, count=_COMING)
        facts = {"found": found, "trial": trial, "is_new": bool(schedule) and trial.schedule != found.schedule}
        return shown("trigger_process", answers=self._desk.answers(told()), **facts)

    @needs(Role.OPERATOR)
    def reschedule(self, process: str) -> ResponseReturnValue:
        """Give a managed process another schedule, or switch it."""
        verb, why = chosen("verb", ("frequency", "on", "off", "reset")), reason()
        schedule = request.form.get("schedule", "").strip() if verb == "frequency" else ""
        number = self._desk.switch_process(verb, process, g.user.name, why, frequency=schedule, token=forms.sending())
        return back(request.path, [number])

    @needs(Role.OPERATOR)
    def create(self, process: str) -> ResponseReturnValue:
        """Make an entry."""
        entry, why = request.form.get("entry", "").strip(), reason()
        if not entry:
            raise BadForm("the entry has no name: give one. Nothing was changed")
        fields = {"trigger_frequency": request.form.get("schedule", "").strip(), **_arguments()}
        number = self._desk.command_entry("create", process, entry, g.user.name, why, fields, token=forms.sending())
        return redirect(f"/triggers?of=entries&process={process}&told={number}", 303)

    def entry(self, process: str, entry: str) -> str:
        """Show an entry with its last fires."""
        fire = forms.words("fire", 20)
        found = self._desk.entry_details(process, entry)
        output = self._desk.fire_output(process, entry, fire) if fire else None
        return shown("trigger_entry", found=found, answers=self._desk.answers(told()), fire=fire, output=output, verbs=_possible(found))

    @needs(Role.OPERATOR)
    def act(self, process: str, entry: str) -> ResponseReturnValue:
        """Do something to an entry."""
        verb, why = chosen("verb", VERBS), reason()
        return back(request.path, [self._desk.command_entry(verb, process, entry, g.user.name, why, token=forms.sending())])

    def form(self, process: str, entry: str) -> str:
        """Show what of an entry can be changed, and when it would fire by the schedule that was typed."""
        found, schedule = self._desk.entry_details(process, entry), forms.words("schedule")
        trial: ScheduleTrial | None = None
        if schedule:
            trial = self._desk.try_schedule(schedule, process=process, entry=entry, count=_COMING)
        return render_template("trigger_change.html", found=found, trial=trial, schedule=schedule or found.schedule, typed=_typed(found))

    @needs(Role.OPERATOR)
    def change(self, process: str, entry: str) -> ResponseReturnValue:
        """Change an entry: what differs from how it is."""
        why, found = reason(), self._desk.entry_details(process, entry)
        back_to_context = [name for name in request.form.getlist("take_back") if name in found.given]
        fields: dict[str, object] = {name: value for name, value in _changed(found).items() if name not in back_to_context}
        fields |= _arguments()
        if back_to_context:
            fields["take_back"] = back_to_context
        if not fields:
            raise BadForm("nothing differs from how the entry is: type what is to be otherwise. Nothing was changed")
        number = self._desk.command_entry("change", process, entry, g.user.name, why, fields, token=forms.sending())
        return back(request.path.removesuffix("/change"), [number])


def _possible(found: EntryDetails) -> tuple[str, ...]:
    """Return what can be done to an entry as it stands, the most wanted first."""
    if found.state in ("deleted", "retired"):
        return ("create",) if found.state == "deleted" else ()
    verbs = ["trigger", "off" if found.state == "on" else "on"]
    verbs += ["release"] if found.is_held else []
    return (*verbs, "cancel", "delete")


def _now(found: EntryDetails) -> dict[str, object]:
    """Return the fields of the form as the entry has them."""
    return {
        "trigger_frequency": found.schedule, "overlap": found.overlap, "misfire": found.misfire, "on_failure": found.on_failure,
        "description": found.description, "grace_s": found.grace_s, "max_attempts": found.max_attempts,
    }  # fmt: skip


def _typed(found: EntryDetails) -> Mapping[str, str]:
    """Return what the form shows: how the entry is."""
    return {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in _now(found).items()}


def _changed(found: EntryDetails) -> dict[str, object]:
    """Return the fields of the form that differ from how the entry is; raises BadForm."""
    wanted: dict[str, object] = {name: request.form[name].strip() for name in _TEXTS if name in request.form}
    for name in _NUMBERS:
        if name in request.form:
            wanted[name] = _number(name, request.form[name].strip())
    now = _now(found)
    return {name: value for name, value in wanted.items() if value != now[name]}


def _number(name: str, text: str) -> float | int:
    try:
        found = int(text) if name == "max_attempts" else float(text)
        if not math.isfinite(found):
            raise ValueError(text)
    except ValueError as error:
        raise BadForm(f"{name} is {text!r}: expected a number. Nothing was changed") from error
    return found


def _arguments() -> dict[str, object]:
    """Return the arguments that were typed, a line `NAME=VALUE` each, the value as JSON or else as text; raises BadForm."""
    found: dict[str, object] = {}
    for line in request.form.get("arguments", "").splitlines():
        name, equals, value = line.strip().partition("=")
        if not line.strip():
            continue
        if not equals or not name.strip():
            raise BadForm(f"the argument {line.strip()!r} is no NAME=VALUE. Nothing was changed")
        try:
            found[name.strip()] = json.loads(value)
        except ValueError:
            found[name.strip()] = value.strip()
    return {"arguments": found} if found else {}
