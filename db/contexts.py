"""Which context did a box lead by, and when last? One record for each context of each box."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from system.errors import StoreError

_DAMAGE = (LookupError, ValueError, TypeError)


@dataclass(frozen=True, slots=True)
class ContextRow:
    """A context, by its digest, that a scheduler of `box` began to lead by in turn `turn`, or that an operator said yes to there."""

    digest: str
    box: str
    at: datetime
    turn: int

    @property
    def key(self) -> tuple[str, str]:
        """What there is one record of."""
        return self.digest, self.box


def context_row(row: ContextRow) -> dict[str, Any]:
    """Return the record as a store keeps it; raises StoreError for a moment without a time zone."""
    if row.at.tzinfo is None:
        raise StoreError(f"{row.at!r} has no time zone and can't be stored: moments are aware, in UTC")
    return {"digest": row.digest, "box": row.box, "at": row.at.isoformat(), "turn": row.turn}


def row_context(row: Mapping[str, Any]) -> ContextRow:
    """Return what `context_row` wrote; raises StoreError for a damaged record."""
    try:
        return _context_of([row["digest"], row["box"], row["at"], row["turn"]])
    except _DAMAGE as error:
        raise StoreError(f"the record of a context is damaged ({error!r}): {row!r:.200}; restore the store from a backup") from error


def take_over(known: dict[tuple[str, str], ContextRow], rows: Iterable[ContextRow]) -> None:
    """Change what is known by the rows of a turn, those of an older one excepted."""
    for row in rows:
        before = known.get(row.key)
        if before is None or before.turn < row.turn:
            known[row.key] = row


def write_contexts(rows: Sequence[ContextRow]) -> list[list[Any]]:
    """Return the contexts of a turn as its text holds them."""
    return [list(context_row(row).values()) for row in rows]


def read_contexts(found: Sequence[Sequence[Any]]) -> tuple[ContextRow, ...]:
    """Return what `write_contexts` wrote."""
    return tuple([_context_of(values) for values in found])


def _context_of(values: Sequence[Any]) -> ContextRow:
    digest, box, at, turn = values
    return ContextRow(digest, box, datetime.fromisoformat(at), turn)
