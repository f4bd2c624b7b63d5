"""How does a paper become a row, and a row the same paper again? For the backends that keep rows or documents."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from db.documents import moment_text
from db.model_papers import Paper
from db.storable import storable
from system.errors import StoreError

Row = dict[str, Any]


def paper_row(paper: Paper) -> Row:
    """Return the row of a paper."""
    until = None if paper.until is None else moment_text(paper.until)
    return {
        "kind": storable(paper.kind),
        "key": storable(paper.key),
        "version": paper.version,
        "text": storable(paper.text),
        "until": until,
    }


def row_paper(row: Mapping[str, Any]) -> Paper:
    """Return the paper that a row holds; raises StoreError for a damaged one."""
    try:
        until = None if row["until"] is None else datetime.fromisoformat(row["until"])
        return Paper(str(row["kind"]), str(row["key"]), int(row["version"]), str(row["text"]), until)
    except (KeyError, TypeError, ValueError) as error:
        # Not its text: that may be what a password is compared with.
        raise StoreError(f"the record of a paper of mx is damaged ({error!r}); restore the store from a backup") from error
