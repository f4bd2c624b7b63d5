"""How do old records get into compressed files, so that a kill at any moment neither loses nor halves one?

One file a kind and month, of JSON lines. A batch is one gzip member, appended and on disk before `append` returns; what a kill left half
written is cut off before the next batch. A batch may stand there twice, as whoever was killed between writing it and removing its records
does it again: equal lines are the same record.
"""

from __future__ import annotations

import fcntl
import gzip
import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from system.errors import HorariumError

_BLOCK = 1 << 20
_LEVEL = 6


class ArchiveError(HorariumError):
    """The archive can't be written. Nothing that it should hold may be removed."""


class Archive(Protocol):
    """Where old records go."""

    def append(self, kind: str, month: str, records: Sequence[Mapping[str, Any]]) -> None:
        """Keep `records` of a month such as `2026-11`, all or none; raises ArchiveError."""
        ...


class Nowhere:
    """An archive for those who don't want one: old records are dropped."""

    def append(self, kind: str, month: str, records: Sequence[Mapping[str, Any]]) -> None:
        """Keep nothing."""


class Files:
    """An archive in a folder, which is created: `uow-2026-11.jsonl.gz` and so on. Several processes may write to it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._whole: dict[Path, int] = {}  # how long each file was when we last knew it to be whole

    def append(self, kind: str, month: str, records: Sequence[Mapping[str, Any]]) -> None:
        """See Archive."""
        if not records:
            return
        lines = "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records)
        path = self._folder / f"{kind}-{month}.jsonl.gz"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with _alone(path) as fd:
                end = os.fstat(fd).st_size
                if end != self._whole.get(path):
                    end = _whole_until(fd)
                    os.ftruncate(fd, end)
                member = gzip.compress(lines.encode(), _LEVEL, mtime=0)
                _write_at(fd, member, end)
                os.fsync(fd)
                self._whole[path] = end + len(member)
        except OSError as error:
            raise ArchiveError(
                f"the archive {path} can't be written ({error.strerror or error}); old records stay in the store until it can: "
                "check the permissions and the free space of its folder"
            ) from error


def read_archive(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of an archive's file, as far as it is whole."""
    with path.open("rb") as file:
        data = file.read()
    end = whole_length(data)
    for line in gzip.decompress(data[:end]).splitlines():
        yield json.loads(line)


def whole_length(data: bytes) -> int:
    """Return how many bytes of `data`, from its beginning, are whole gzip members."""
    end = 0
    while end < len(data):
        unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            unpacking.decompress(data[end:])
        except zlib.error:
            return end
        if not unpacking.eof:
            return end
        end = len(data) - len(unpacking.unused_data)
    return end


def _whole_until(fd: int) -> int:
    """Return how many bytes of a file, from its beginning, are whole gzip members. Reads it in blocks: it may be large."""
    end = at = 0
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    while block := os.pread(fd, _BLOCK, at):
        at += len(block)
        try:
            while block:
                unpacking.decompress(block)
                if not unpacking.eof:
                    break
                block = unpacking.unused_data
                end = at - len(block)
                unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
        except zlib.error:
            return end
    return end


def _write_at(fd: int, data: bytes, at: int) -> None:
    while data:
        written = os.pwrite(fd, data, at)
        data, at = data[written:], at + written


@contextmanager
def _alone(path: Path) -> Iterator[int]:
    """Yield the file's descriptor while no other process writes to it."""
    is_new = not path.exists()
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        if is_new:
            folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        yield fd
    finally:
        os.close(fd)
