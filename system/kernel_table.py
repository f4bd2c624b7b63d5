"""What does the kernel say of the processes that run? A line of /proc for each; nothing where a system has no such table."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
# Fields of /proc/<pid>/stat, counted from the one after the name.
STATE, PARENT, TIMES, CREATED, PAGES = 0, 1, slice(11, 15), 19, 21
ENDED = (b"Z", b"X")

_PROC = Path("/proc")
_LONGEST_LINE = 4096


@cache
def is_there() -> bool:
    """Return whether this system has such a table."""
    return (_PROC / "self/stat").exists()


def pids() -> list[int]:
    """Return who is in the table, in no order; empty where there is none."""
    try:
        return [int(name) for name in os.listdir(_PROC) if name.isdigit()]  # noqa: PTH208  a path for each name costs more than all the rest
    except OSError:
        return []


def line_of(pid: int) -> list[bytes] | None:
    """Return the fields of a process, None where there is none of that pid, or it may not be looked at."""
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)  # a file object asks the kernel six things more
    except OSError:
        return None
    try:
        return os.read(descriptor, _LONGEST_LINE).rpartition(b")")[2].split()
    except OSError:
        return None
    finally:
        os.close(descriptor)


def lines() -> dict[int, list[bytes]]:
    """Return the fields of every process. The table is not of one moment: who starts or ends meanwhile may be in it or not."""
    return {pid: line for pid in pids() if (line := line_of(pid)) is not None}


def variable_of(pid: int, name: str) -> str:
    """Return what a variable was when the process was started, empty where it has none, or may not be looked at."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123
            said = file.read()
    except OSError:
        return ""
    front = f"{name}=".encode()
    return next((os.fsdecode(each[len(front) :]) for each in said.split(b"\0") if each.startswith(front)), "")
