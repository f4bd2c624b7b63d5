"""Is everything there that should be, once, and in order? What the leader counted lately, and a look at any range, with its export."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue

from mx import forms
from mx.desk import Desk
from mx.frame import shown
from mx.models.audit import AuditLook
from mx.security.roles import Role, needs
from system.errors import Refused
from system.timeplaces import read

KINDS = ("missing", "late", "ran twice", "overlap", "out of order")
_MOST_SHOWN, _MOST = 200, 10_000
_COLUMNS = ("process", "timeperiod", "kind", "what", "evidence", "look")


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which range is to be looked at, as it stands in the address."""

    process: str
    low_text: str
    high_text: str

    @property
    def low(self) -> datetime | None:
        return read(self.low_text).start if self.low_text else None

    @property
    def high(self) -> datetime | None:
        return read(self.high_text).end if self.high_text else None

    def query(self) -> str:
        return urlencode({"look": 1, "process": self.process, "from": self.low_text, "to": self.high_text})


def _asked() -> _Asked:
    found = request.values
    return _Asked(found.get("process", "").strip()[:200], found.get("from", "").strip()[:14], found.get("to", "").strip()[:14])


def page(desk: Desk) -> Blueprint:
    """Return `/audit` with its exports."""
    bp = Blueprint("audit", __name__)
    views = _Views(desk)
    bp.get("/audit")(views.show)
    bp.post("/audit")(views.anew)
    bp.get("/audit.csv")(views.as_csv)
    bp.get("/audit.json")(views.as_json)
    return bp


class _Views:
    """The views, over a desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def show(self) -> str:
        """Show what the leader counted, and how far a look is that was asked for."""
        asked = _asked()
        look = self._desk.audit_look(asked.process, asked.low, asked.high, most=_MOST_SHOWN) if forms.number("look", 0) else None
        return shown("audit", counted=self._desk.audit_count(), look=look, asked=asked, kinds=KINDS)

    @needs(Role.VIEWER)
    def anew(self) -> ResponseReturnValue:
        """Look at a range again."""
        asked = _asked()
        self._desk.audit_look(asked.process, asked.low, asked.high, anew=True, most=0)
        return redirect(f"/audit?{asked.query()}", 303)

    def as_json(self) -> ResponseReturnValue:
        """Send what a look has found, as the API would."""
        return _download(self._done().model_dump_json(indent=1), "application/json", "audit.json")

    def as_csv(self) -> ResponseReturnValue:
        """Send what a look has found as a table, a finding a line."""
        made = io.StringIO()
        writer = csv.writer(made)
        writer.writerow(_COLUMNS)
        for found in self._done().findings:
            cells = (found.process, found.timeperiod, found.kind, found.what, "; ".join(found.evidence), found.look)
            writer.writerow([_harmless(cell) for cell in cells])
        return _download(made.getvalue(), "text/csv", "audit.csv")

    def _done(self) -> AuditLook:
        asked = _asked()
        look = self._desk.audit_look(asked.process, asked.low, asked.high, most=_MOST)
        if look.ended_at is None:
            raise Refused(f"{look.periods:,} of {look.periods_total:,} periods have been looked at so far: ask for it once all are")
        return look


def _download(body: str, kind: str, name: str) -> Response:
    return Response(body, mimetype=kind, headers={"Content-Disposition": f'attachment; filename="horarium-{name}"'})


def _harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
