r"""How does a file that a job prints to stay bounded? Its head and its tail are kept, what lies between is cut out.

A cut file reads: the first half of the limit, a line such as `[... 5120 bytes cut ...]`, and the rest: the newest bytes, which grow
until the next cut. The line says all that a later cut or a reader must know, so whoever holds the file open may cut.
Standard library only; every descriptor here is open for reading and appending.
"""

from __future__ import annotations

import fcntl
import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

MARK_BYTES = 48  # no line about a cut is longer
_MARK = re.compile(rb"\n\[\.\.\. (\d+) bytes cut \.\.\.\]\n")
_CHARACTER_BYTES = 4


class Cut(NamedTuple):
    """Where a file was cut: the kept head is `[0, at)`, the tail starts at `goes_on`, `lost` bytes lay between."""

    at: int
    goes_on: int
    lost: int


def mark(lost: int) -> bytes:
    """Return the line that stands for `lost` bytes."""
    return b"\n[... %d bytes cut ...]\n" % lost


def cut_of(fd: int, limit: int) -> Cut | None:
    """Return how the file was cut, None where it is whole."""
    start = max(0, limit // 2 - _CHARACTER_BYTES)
    found = _MARK.search(os.pread(fd, _CHARACTER_BYTES + MARK_BYTES, start))
    return Cut(start + found.start(), start + found.end(), int(found[1])) if found else None


def keep_ends(fd: int, limit: int, *, wait: bool = False) -> None:
    """Cut a file that has grown beyond `limit` to its first and last half of that; bytes printed meanwhile may be lost too.

    Left as it is while someone else holds it, unless this is to `wait`.
    """
    if os.fstat(fd).st_size <= limit + MARK_BYTES:
        return
    with locked(fd, wait=wait) as is_ours:
        size = os.fstat(fd).st_size
        if not is_ours or size <= limit + MARK_BYTES:
            return
        half = limit // 2
        before = cut_of(fd, limit)
        head = os.pread(fd, half, 0)
        at, goes_on, lost = before or Cut(whole_characters(head), whole_characters(head), 0)
        tail = os.pread(fd, half, size - half)
        tail = tail[_broken_start(tail) :]
        newer = os.fstat(fd).st_size - size
        os.ftruncate(fd, at)
        os.write(fd, mark(lost + size - goes_on - len(tail) + newer) + tail)


@contextmanager
def locked(fd: int, *, wait: bool = False) -> Iterator[bool]:
    """Hold the file against cuts; gives False where someone else holds it just now and this is not to `wait`."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        yield False
        return
    try:
        yield True
    finally:
        fcntl.flock(fd, fcntl.LOCK_UN)


def whole_characters(text: bytes) -> int:
    """Return how many bytes of UTF-8 `text` remain without a character that it ends in the middle of."""
    for back in range(1, min(_CHARACTER_BYTES, len(text)) + 1):
        byte = text[-back]
        if byte & 0xC0 != 0x80:
            needed = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
            return len(text) - back if needed > back else len(text)
    return len(text)


def _broken_start(text: bytes) -> int:
    skip = 0
    while skip < min(_CHARACTER_BYTES - 1, len(text)) and text[skip] & 0xC0 == 0x80:
        skip += 1
    return skip


class BoundedFile(io.FileIO):
    """What stands under `sys.stdout` in a slot: a descriptor whose file is cut as soon as this writer has made it too long."""

    def __init__(self, fd: int, limit: int) -> None:
        super().__init__(fd, "w", closefd=False)
        self._limit = limit
        self._written = 0

    def write(self, data: ReadableBuffer, /) -> int:
        """Write `data`, or its beginning where it is long; returns how many bytes."""
        written = super().write(memoryview(data)[: self._limit]) or 0
        self._written += written
        if self._written >= self._limit:
            self._written = 0
            # Who prints waits for who reads, which is moments; else a file grew without bound while its reader had no CPU.
            keep_ends(self.fileno(), self._limit, wait=True)
        return written
