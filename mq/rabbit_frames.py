"""How do messages look on the wire? Whole batches as bytes, since a library's objects cost several times as much per message."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

PERSISTENT = 2
URGENT = 1
_METHOD, _HEADER, _BODY, _END = 1, 2, 3, b"\xce"
_PUBLISH = struct.pack(">HHH", 60, 40, 0)  # class basic, method publish, a field that is no longer used
_MANDATORY = b"\x01"
# Which properties follow: delivery mode, priority, timestamp.
_FLAGS = (1 << 12) | (1 << 11) | (1 << 6)
_FRAME = struct.Struct(">BHI")
_CONTENT = struct.Struct(">HHQHBBQ")
_MOST_BODY = 100_000


@dataclass(frozen=True, slots=True)
class Letter:
    """A message on its way: through which exchange by which routing key, its text, its rank, and a number that grows with time."""

    exchange: str
    routing: str
    body: bytes
    is_urgent: bool
    stamp: int


def encoded(channel: int, letters: Iterable[Letter]) -> bytes:
    """Return what publishes `letters`, persistent and mandatory, on a channel."""
    pieces: list[bytes] = []
    methods: dict[tuple[str, str], bytes] = {}
    for letter in letters:
        place = (letter.exchange, letter.routing)
        if place not in methods:
            methods[place] = _frame(_METHOD, channel, _PUBLISH + _short(letter.exchange) + _short(letter.routing) + _MANDATORY)
        urgency = URGENT if letter.is_urgent else 0
        header = _CONTENT.pack(60, 0, len(letter.body), _FLAGS, PERSISTENT, urgency, letter.stamp)
        pieces += methods[place], _frame(_HEADER, channel, header)
        pieces += (_frame(_BODY, channel, letter.body[at : at + _MOST_BODY]) for at in range(0, len(letter.body), _MOST_BODY))
    return b"".join(pieces)


def _frame(kind: int, channel: int, payload: bytes) -> bytes:
    return _FRAME.pack(kind, channel, len(payload)) + payload + _END


def _short(text: str) -> bytes:
    data = text.encode()
    return bytes([len(data)]) + data
