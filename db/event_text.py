"""How are a turn's events written down? Pure. One command may cause tens of thousands that say nearly the same: each text stands once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from db.model import Event


def write_events(events: Sequence[Event]) -> list[Any]:
    """Return events as what JSON can hold: the texts, then a row an event, which names its texts by their numbers."""
    places: dict[str, int] = {}

    def place(text: str) -> int:
        return places.setdefault(text, len(places))

    rows = [
        (place(e.process), e.timeperiod, e.turn, e.place, place(e.at.isoformat()), place(e.kind), place(e.who), place(e.text))
        for e in events
    ]
    return [list(places), rows]


def read_events(found: Sequence[Any]) -> tuple[Event, ...]:
    """Return what `write_events` wrote."""
    texts, rows = found
    return tuple(
        Event(texts[process], timeperiod, turn, place, datetime.fromisoformat(texts[at]), texts[kind], texts[who], texts[text])
        for process, timeperiod, turn, place, at, kind, who, text in rows
    )
