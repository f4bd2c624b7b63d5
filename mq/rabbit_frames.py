"""How do messages look on the wire? Read and written as bytes, since a library's objects cost several times as much per message."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

PERSISTENT = 2
URGENT = 1
_METHOD, _HEADER, _BODY, _END = 1, 2, 3, b"\xce"
_PUBLISH = struct.pack(">HHH", 60, 40, 0)  # class basic, method publish, a field that is no longer used
_DELIVER = struct.pack(">HH", 60, 60)
_MANDATORY = b"\x01"
# Which properties follow: delivery mode, priority, timestamp.
_FLAGS = (1 << 12) | (1 << 11) | (1 << 6)
_FRAME = struct.Struct(">BHI")
_CONTENT = struct.Struct(">HHQHBBQ")
_MOST_BODY = 100_000
_TAG_AT = _FRAME.size + len(_DELIVER)  # where a delivery has its consumer's tag
_NUMBER = struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class Letter:
    """A message on its way: through which exchange by which routing key, its text, its rank, and a number that grows with time."""

    exchange: str
    routing: str
    body: bytes
    is_urgent: bool
    stamp: int


class Found(NamedTuple):
    """A message as it comes: on which channel, to which consumer of it, and the rest by the library's names. It ends before `end`."""

    channel: int
    consumer_tag: str
    delivery_tag: int
    priority: int
    timestamp: int
    body: bytes
    end: int


def message_at(data: bytes, at: int) -> Found | None:
    """Return the message that begins at byte `at` of what came, as `encoded` has it.

    None where something else begins there: a part of a message, one with other properties, as one that was delivered before, or no message.
    """
    if data[at : at + 1] != b"\x01" or data[at + _FRAME.size : at + _TAG_AT] != _DELIVER:
        return None
    try:
        _, channel, size = _FRAME.unpack_from(data, at)
        tag_at = at + _TAG_AT + 1
        number_at = tag_at + data[tag_at - 1]
        (number,) = _NUMBER.unpack_from(data, number_at)
        header_at = at + _FRAME.size + size + 1
        kind, _, size = _FRAME.unpack_from(data, header_at)
        _, _, length, flags, _, priority, stamp = _CONTENT.unpack_from(data, header_at + _FRAME.size)
        if (kind, size, flags) != (_HEADER, _CONTENT.size, _FLAGS):
            return None
        body_at = header_at + _FRAME.size + size + 1
        kind, _, size = _FRAME.unpack_from(data, body_at)
    except (struct.error, IndexError):  # there is not all of it yet
        return None
    end = body_at + _FRAME.size + size + 1
    if (kind, size) != (_BODY, length) or data[end - 1 : end] != _END:
        return None
    return Found(channel, data[tag_at:number_at].decode(), number, priority, stamp, data[end - 1 - size : end - 1], end)


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
