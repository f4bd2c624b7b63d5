"""What did an older attempt, or a forkserver that was killed, leave running on this machine? Found by marks in the environment.

Whatever a slot or a command starts inherits the marks below, and `/proc` shows with which environment a program was started.
`HORARIUM_WORKER` names the worker, `_HORARIUM_HOST` one run of its slots' host, `HORARIUM_UOW` and `HORARIUM_FENCE` the attempt;
`_HORARIUM_OUTPUT`, the folder for output, keeps two deployments on one machine apart. The latter begin with `_` since they are of no
use to a job, and no settings.
"""

from __future__ import annotations

import logging
import os
import select
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger(__name__)

WORKER_MARK = "HORARIUM_WORKER"
HOST_MARK = "_HORARIUM_HOST"
OUTPUT_MARK = "_HORARIUM_OUTPUT"
UOW_MARK = "HORARIUM_UOW"
FENCE_MARK = "HORARIUM_FENCE"
_GONE_WAIT_MS = 2_000
_ROUNDS = 50

Marks = Mapping[bytes, bytes]


def end_older_attempts(uow_id: str, fence: int, output_folder: str) -> int:
    """Kill what is left on this machine of attempts of `uow_id` under a smaller fence; returns how many processes that was."""

    def is_older(marks: Marks) -> bool:
        its_fence = marks.get(FENCE_MARK.encode(), b"")
        return its_fence.isdigit() and int(its_fence) < fence

    return _end({UOW_MARK: uow_id, OUTPUT_MARK: output_folder}, is_older)


def end_marked(marks: Mapping[str, str]) -> int:
    """Kill all processes of this machine, but for ourselves, that were started with `marks`; returns how many that was."""
    return _end(marks, lambda _: True)


def _end(wanted: Mapping[str, str], is_meant: Callable[[Marks], bool]) -> int:
    """Kill in rounds, since what is killed may have just started something."""
    count = 0
    for _ in range(_ROUNDS):
        found = sum(_end_one(int(folder.name), wanted, is_meant) for folder in Path("/proc").glob("[0-9]*"))
        if not found:
            break
        count += found
    if count:
        log.warning("ended %d processes left by an earlier attempt or host: %s", count, dict(wanted), extra={"action": "leftovers_ended"})
    return count


def _end_one(pid: int, wanted: Mapping[str, str], is_meant: Callable[[Marks], bool]) -> bool:
    if pid == os.getpid():
        return False
    needles = [f"{name}={value}".encode() for name, value in wanted.items()]
    if not _is_marked(pid, needles, is_meant):
        return False
    with _held(pid) as held:  # from here on the pid can't become a stranger's unnoticed (fault 22)
        if held < 0 or not _is_marked(pid, needles, is_meant):
            return False
        try:
            signal.pidfd_send_signal(held, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return False
        poll = select.poll()
        poll.register(held, select.POLLIN)
        return bool(poll.poll(_GONE_WAIT_MS))


def _is_marked(pid: int, needles: list[bytes], is_meant: Callable[[Marks], bool]) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # gone, a zombie, or another user's
        return False
    if not all(needle in environment for needle in needles):
        return False
    items = environment.split(b"\0")
    return all(needle in items for needle in needles) and is_meant(dict(item.split(b"=", 1) for item in items if b"=" in item))


@contextmanager
def _held(pid: int) -> Iterator[int]:
    try:
        held = os.pidfd_open(pid)
    except OSError:
        yield -1
        return
    try:
        yield held
    finally:
        os.close(held)
