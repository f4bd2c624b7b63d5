"""What has one attempt printed since the last look? Read from its file, in pieces whose sum is bounded.

While the attempt runs, pieces are given as it prints, up to the limit; after that it goes on silently. At its end come the line that
says how much was cut and the last half of the limit, or what is left of it to tell.
"""

from __future__ import annotations

import codecs
import os

from workers.printed import cut_of, keep_ends, locked, mark
from workers.slots import Output
from workers.vault import Masks


class Transcript:
    """The output file of one attempt, held open; `close` lets go of it."""

    def __init__(self, uow_id: str, fence: int, path: str, limit: int, masks: Masks) -> None:
        self._masks = masks
        self._held = b""  # may be the beginning of a secret
        self._uow_id = uow_id
        self._fence = fence
        self._limit = limit
        self._fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._read = 0  # bytes of what the attempt printed that were given out
        self._given = 0  # bytes given out, the line about a cut included
        self._pending = 0  # bytes of a character whose rest has not come yet

    @property
    def size(self) -> int:
        """Return the file's size now, in bytes."""
        return os.fstat(self._fd).st_size

    def look(self) -> list[Output]:
        """Return what is new, and cut the file if it has grown too long. For a running attempt."""
        keep_ends(self._fd, self._limit)
        with locked(self._fd) as is_ours:
            if not is_ours or cut_of(self._fd, self._limit) is not None:
                return []
            data = os.pread(self._fd, self._limit - self._read, self._read)
        self._read += len(data)
        return self._piece(data, is_last=False)

    def finish(self) -> list[Output]:
        """Return all that was not given yet. For an attempt of which nothing is left."""
        keep_ends(self._fd, self._limit)
        pieces = self._last()
        self._hide()
        return pieces

    def _last(self) -> list[Output]:
        cut = cut_of(self._fd, self._limit)
        if cut is None:
            return self._piece(self._rest(self._read), is_last=True)
        head = os.pread(self._fd, max(0, cut.at - self._read), self._read)
        at = max(self._read, cut.at)
        known = at - (cut.at + cut.lost)  # how far into the tail the pieces had come already; negative: they had not
        tail = self._rest(cut.goes_on)
        if known >= 0:
            return self._piece(head + tail[known:], is_last=True)
        if not head and not self._held:
            self._drop_pending()
        head, self._held = self._held + head, b""
        # What is left of a secret on either side of the cut goes as well.
        head, tail = head[: len(head) - self._masks.held_back(head)], tail[self._masks.broken_start(tail) :]
        return self._piece(head + mark(-known) + tail, is_last=True)

    def _hide(self) -> None:
        """Take secrets out of the file too, which stays."""
        data = os.pread(self._fd, os.fstat(self._fd).st_size, 0)
        masked = self._masks.data(data)
        if masked != data:
            os.ftruncate(self._fd, 0)
            os.write(self._fd, masked)

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def _rest(self, start: int) -> bytes:
        return os.pread(self._fd, self._limit + self._limit, start)

    def _drop_pending(self) -> None:
        self._decoder.reset()
        self._given -= self._pending
        self._pending = 0

    def _piece(self, data: bytes, *, is_last: bool) -> list[Output]:
        data = self._held + data
        kept = 0 if is_last else self._masks.held_back(data)
        data, self._held = data[: len(data) - kept], data[len(data) - kept :]
        text = self._decoder.decode(self._masks.data(data), final=is_last).replace("\0", "\N{REPLACEMENT CHARACTER}")
        offset = self._given - self._pending
        self._given += len(data)
        self._pending = len(self._decoder.getstate()[0])
        return [Output(self._uow_id, self._fence, offset, text)] if text else []


def attempt_file(folder: str, uow_id: str, fence: int) -> str:
    """Return the file of an attempt's output: `<process>/<timeperiod>/<generation>.<run>.<fence>.log` under `folder`."""
    parts = uow_id.split("/")  # texts, not paths: this is done for each task
    if not all(parts) or "." in parts or ".." in parts:
        parts = [part if part not in {"", ".", ".."} else "_" for part in parts]
    return "/".join([folder, *parts[:2], ".".join([*parts[2:], str(fence), "log"])])
