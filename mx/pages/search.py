"""What may a person mean? `/search`: one exact hit is gone to at once."""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, redirect, render_template
from flask.typing import ResponseReturnValue

from mx import forms
from mx.desk import Desk
from mx.models.search import Hit


def page(desk: Desk) -> Blueprint:
    """Return `/search`."""
    bp = Blueprint("search", __name__)

    @bp.get("/search")
    def search() -> ResponseReturnValue:
        found = desk.search(forms.words())
        exact = [hit for hit in found.hits if hit.is_exact and hit.kind not in ("tree", "box")]  # whose names begin others
        if len(exact) == 1 or len(found.hits) == 1:
            return redirect(path_of((exact or list(found.hits))[0]), 303)
        return render_template("search.html", found=found, path_of=path_of)

    return bp


def path_of(hit: Hit) -> str:
    """Return the page of what was found."""
    parts: dict[str, tuple[str, ...]] = {
        "process": ("process", hit.process),
        "job": ("job", hit.process, hit.timeperiod),
        "uow": ("triggers", hit.process, hit.entry) if hit.entry else ("job", hit.process, hit.timeperiod),
        "entry": ("triggers", hit.process, hit.entry),
        "command": ("commands", str(hit.number)),
        "tree": ("trees",),
        "queue": ("queues", hit.name),
        "box": ("boxes",),
    }
    path = "/" + "/".join(quote(part, safe="") for part in parts[hit.kind])
    return f"{path}?fire={hit.timeperiod}" if hit.kind == "uow" and hit.entry else path
