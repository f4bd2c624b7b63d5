"""How do the records of boxes become rows, and rows the same records again? For the backends that keep rows or documents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import astuple, fields
from datetime import datetime
from typing import Any

from db.documents import moment_text
from db.model_boxes import BoxChild, BoxReport, BoxWish
from db.storable import storable
from system.errors import StoreError

Row = dict[str, Any]

_WISH = tuple(field.name for field in fields(BoxWish))
_REPORT = tuple(field.name for field in fields(BoxReport))
_DAMAGE = (KeyError, TypeError, ValueError)


def wish_row(wish: BoxWish) -> Row:
    """Return the row of an operator's wish."""
    values = {name: _plain(getattr(wish, name)) for name in _WISH}
    return {**values, "is_on": int(wish.is_on), "given_at": None if wish.given_at is None else moment_text(wish.given_at)}


def row_wish(row: Mapping[str, Any]) -> BoxWish:
    """Return the wish that a row holds; raises StoreError for a damaged one."""
    try:
        given_at = row["given_at"]
        values = {name: row[name] for name in _WISH}
        values.update(is_on=bool(row["is_on"]), given_at=None if given_at is None else _moment(given_at))
        return BoxWish(**values)
    except _DAMAGE as error:
        raise _damaged("wish for a box", row, error) from error


def report_row(report: BoxReport) -> Row:
    """Return the row of a supervisor's report; its children are one text, a list for each."""
    values = {name: _plain(getattr(report, name)) for name in _REPORT}
    children = json.dumps([astuple(child) for child in report.children], separators=(",", ":"))
    return {**values, "told_at": moment_text(report.told_at), "children": children}


def row_report(row: Mapping[str, Any]) -> BoxReport:
    """Return the report that a row holds; raises StoreError for a damaged one."""
    try:
        children = tuple(BoxChild(*values) for values in json.loads(row["children"]))
        values = {name: row[name] for name in _REPORT}
        return BoxReport(**{**values, "told_at": _moment(row["told_at"]), "children": children})
    except _DAMAGE as error:
        raise _damaged("report of a box", row, error) from error


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment


def _plain(value: Any) -> Any:
    return storable(value) if isinstance(value, str) else value


def _damaged(kind: str, row: Mapping[str, Any], error: Exception) -> StoreError:
    return StoreError(f"the record of a {kind} is damaged ({error!r}): {dict(row)!r:.200}; restore the store from a backup")
