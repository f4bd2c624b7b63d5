"""Is a message read off the wire as it was sent, and left alone where it is not all there or of another make?"""

from __future__ import annotations

import struct

import pytest

from mq.rabbit_frames import Letter, encoded, message_at


def frame(kind: int, payload: bytes, channel: int = 3) -> bytes:
    """Return a frame as AMQP 0-9-1 (2.3.5) has it."""
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + b"\xce"


def delivered(body: bytes, *, number: int = 7, tag: bytes = b"c12") -> bytes:
    """Return what the server makes of a letter of ours: another method before the same header and body (1.8.3.14)."""
    sent = encoded(3, [Letter("ex", "queue", body, is_urgent=True, stamp=99)])
    (size,) = struct.unpack_from(">I", sent, 3)
    method = struct.pack(">HHB", 60, 60, len(tag)) + tag + struct.pack(">Q?", number, False) + b"\x02ex\x05queue"
    return frame(1, method) + sent[7 + size + 1 :]


def test_a_message_is_read_with_all_that_a_consumer_needs() -> None:
    data = delivered(b"p/2013010100/1/1")
    assert message_at(data, 0) == (3, "c12", 7, 1, 99, b"p/2013010100/1/1", len(data))


def test_messages_are_read_one_after_another() -> None:
    data = b"".join(delivered(str(number).encode(), number=number) for number in range(1, 4))
    at, bodies = 0, []
    while found := message_at(data, at):
        at = found.end
        bodies.append(found.body)
    assert (bodies, at) == ([b"1", b"2", b"3"], len(data))


@pytest.mark.parametrize("body", [b"p/2013010100/1/1", b"1", b"\xce" * 40])
def test_a_part_of_a_message_is_none(body: bytes) -> None:
    data = delivered(body)
    assert [length for length in range(len(data)) if message_at(data[:length], 0)] == []


def test_what_is_no_message_of_ours_is_left_alone() -> None:
    sent = encoded(3, [Letter("ex", "queue", b"1", is_urgent=False, stamp=99)])
    at = delivered(b"1").rindex(b"\x02\x00\x03")  # where the header's frame begins
    method, rest = delivered(b"1")[:at], delivered(b"1")[at:]
    others = {
        "a publish": sent,
        "a header first": rest,
        "a heartbeat": frame(8, b"", channel=0),
        "a method without content": frame(1, struct.pack(">HH", 60, 21) + b"\x03c12"),
        "other properties": method + frame(2, struct.pack(">HHQH", 60, 0, 1, 0)) + frame(3, b"1"),
        "a body in two parts": method + rest.replace(struct.pack(">Q", 1), struct.pack(">Q", 2), 1) + frame(3, b"2"),
        "a message without a body": method + rest.replace(struct.pack(">Q", 1), struct.pack(">Q", 0), 1)[:-9] + frame(8, b"", channel=0),
    }
    assert {what for what, data in others.items() if message_at(data, 0)} == set()
