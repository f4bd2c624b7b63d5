"""What can every store keep? Texts without what some database refuses, and records of a bounded size."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from db.model import Turn
from system.errors import StoreError

# MongoDB keeps up to 16 MiB in a document, with the names of its fields among them.
MOST_RECORD_BYTES = 16_000_000


def storable(text: str) -> str:
    """Return `text` with `?` for what not every database takes: halves of surrogate pairs, as a file's name can bring them, and NUL."""
    whole = text if text.isascii() else text.encode(errors="replace").decode()
    return whole.replace("\0", "?") if "\0" in whole else whole


def kept(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return `values` with each text storable: a reason may quote what a job printed."""
    texts = "".join([value for value in values if value.__class__ is str])
    if storable(texts) == texts:
        return values
    return tuple([storable(value) if value.__class__ is str else value for value in values])


def refuse_heavy(turn: Turn, text: str) -> None:
    """Raise StoreError where a record of `turn`, which is written as `text`, is more than every store keeps: it could not be projected."""
    if len(text) <= MOST_RECORD_BYTES:  # ASCII, so whatever is in it is no longer
        return
    for kind in fields(turn):
        found = getattr(turn, kind.name)
        for record in found if isinstance(found, tuple) else ():
            if (size := _weight(record)) > MOST_RECORD_BYTES:
                raise StoreError(
                    f"turn {turn.number} was not written: one of its {kind.name} has {size:,} bytes of text, and a record may have "
                    f"{MOST_RECORD_BYTES:,}: {record!r:.100}"
                )


def _weight(value: object) -> int:
    """Return how many bytes the texts of a record are, those of the records in it among them."""
    if isinstance(value, str):
        return len(value.encode(errors="replace"))
    if isinstance(value, tuple):
        return sum(map(_weight, value))
    return sum(_weight(getattr(value, field.name)) for field in fields(value)) if is_dataclass(value) else 0
