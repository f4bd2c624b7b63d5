"""Which part of its source does a run cover? As JSON: `lowest`, `highest` and `count` of the window's rows, and `after`.

`after` is the highest key that an earlier run has covered: the run is about the rows beyond it; null means all of them.
"""

from __future__ import annotations

import json
from typing import Any

from db.source import Extent, Key


def slice_text(extent: Extent, after: Key | None) -> str:
    """Return the slice of a run as a unit of work holds it."""
    return json.dumps({"lowest": extent.lowest, "highest": extent.highest, "count": extent.count, "after": after})


def covered_by(text: str) -> Extent | None:
    """Return the extent that a run with this slice has covered, None where it had none."""
    if not text:
        return None
    found: dict[str, Any] = json.loads(text)
    return Extent(found["lowest"], found["highest"], found["count"])


def is_whole(text: str) -> bool:
    """Return whether a run with this slice has covered all rows, and not only those beyond what an earlier run had."""
    return bool(text) and json.loads(text)["after"] is None


def new_part(extent: Extent, covered: Extent | None) -> str:
    """Return the slice of what is new since `covered`: all of it where a row came in front, or rows went away."""
    grows = covered is not None and covered.lowest == extent.lowest and extent.count > covered.count
    is_behind = grows and covered is not None and type(covered.highest) is type(extent.highest) and _is_higher(extent, covered)
    return slice_text(extent, covered.highest if is_behind and covered is not None else None)


def _is_higher(extent: Extent, covered: Extent) -> bool:
    one, other = covered.highest, extent.highest
    if isinstance(one, str) or isinstance(other, str):
        return str(one) < str(other)
    return one < other
