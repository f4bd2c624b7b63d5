"""How does a MongoDB client write its commands, and read its answers? OP_MSG, and the OP_QUERY of a first greeting."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import bson

Document = dict[str, Any]

HEAD = struct.Struct("<iiii")  # length, request, request answered, operation
OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013
_CHECKSUM, _MORE_TO_COME = 1, 2


class Malformed(ValueError):
    """The client does not speak this protocol."""


@dataclass(frozen=True)
class Request:
    """One command: its name is the document's first key. `raw` is the document, and `sequences` are lists of documents, as they came."""

    number: int
    operation: int
    document: Document
    sequences: Mapping[str, bytes] = field(default_factory=dict)
    wants_answer: bool = True
    raw: bytes = field(default=b"", compare=False, repr=False)


def parse(number: int, operation: int, body: bytes) -> Request:
    """Return what a message asks for; raises Malformed."""
    if operation == OP_MSG:
        return _parse_msg(number, body)
    if operation == OP_QUERY:
        name_ends = body.index(b"\0", 4)
        return Request(number, operation, bson.decode(body[name_ends + 9 :]), raw=body[name_ends + 9 :])
    raise Malformed(f"operation {operation} is not spoken here")


def _parse_msg(number: int, body: bytes) -> Request:
    (flags,) = struct.unpack_from("<I", body)
    raw = b""
    sequences = {}
    at, end = 4, len(body) - (4 if flags & _CHECKSUM else 0)
    while at < end:
        kind = body[at]
        (size,) = struct.unpack_from("<i", body, at + 1)
        section = body[at + 1 : at + 1 + size]
        at += 1 + size
        if kind == 0:
            raw = section
        else:
            name_ends = section.index(b"\0", 4)
            sequences[section[4:name_ends].decode()] = section[name_ends + 1 :]
    return Request(number, OP_MSG, bson.decode(raw) if raw else {}, sequences, not flags & _MORE_TO_COME, raw)


def answer(request: Request, number: int, document: Document | bytes) -> bytes:
    """Return the message that answers a request; a document may be in its bytes already."""
    encoded = document if isinstance(document, bytes) else bson.encode(document)
    if request.operation == OP_MSG:
        operation, body = OP_MSG, struct.pack("<I", 0) + b"\0" + encoded
    else:
        operation, body = OP_REPLY, struct.pack("<iqii", 8, 0, 0, 1) + encoded
    return HEAD.pack(HEAD.size + len(body), number, request.number, operation) + body
