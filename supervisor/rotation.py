"""How does a file that a running process prints to stay bounded? What it holds is moved beside it, while the process goes on printing."""

from __future__ import annotations

import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)

_PIECE_BYTES = 1 << 20


def older(path: Path) -> Path:
    """Return where the older part of a file goes: `poller.out.1` for `poller.out`."""
    return path.with_name(path.name + ".1")


def cut(path: Path, limit: int) -> None:
    """Move the newest `limit` bytes of a file that has grown beyond that to its `older`, and empty it.

    Whoever prints has it open for appending, so that it goes on at the new end. What it prints in the moment of the move may be lost.
    """
    try:
        if path.stat().st_size <= limit:
            return
        with path.open("r+b") as file:
            try:
                _keep(file.fileno(), older(path), limit)
            except OSError as error:  # a disk that is full, as a rule: then it is time to make room
                log.warning("what %s held is lost: %s", path, error, extra={"action": "output_lost"})
            file.truncate(0)
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("%s can't be kept short: %s", path, error, extra={"action": "output_grows"})


def _keep(source: int, path: Path, limit: int) -> None:
    at, most = max(0, os.fstat(source).st_size - limit), 2 * limit  # whoever prints faster than this copies must not hold it up for ever
    with open(path, "wb", opener=_private) as kept:
        while most > 0 and (piece := os.pread(source, min(_PIECE_BYTES, most), at)):
            kept.write(piece)
            at += len(piece)
            most -= len(piece)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o640)
