"""Which processes of the operating system are ours, are they alive, and how are they ended?

A pid alone names nobody for long: it is given to a stranger once its owner is gone. So a process is named by its pid and the moment
of its creation, counted from the machine's start (a wall clock that is set would change the other one), and whoever is to be
signalled is first pinned down by a descriptor, then compared, then signalled.

psutil, which no other module names, is asked only where the kernel has no table: to read it takes longer than to start Python.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Container, Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from system import kernel_table

MARK_VARIABLE = "HORARIUM_WORKER"

_PR_SET_CHILD_SUBREAPER = 36
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PID_NAMESPACE = Path("/proc/self/ns/pid")
_NICENESS = 5
_SAME_S = 0.005  # creation times have steps of 0.01 s


@dataclass(frozen=True, slots=True)
class Identity:
    """One process for good: its pid, and its creation in seconds since the machine started."""

    pid: int
    created_s: float

    def is_same(self, pid: int, created_s: float) -> bool:
        """Return whether the pair names this process; creation times may have lost their last digits on their way through a store."""
        return pid == self.pid and abs(created_s - self.created_s) < _SAME_S


@dataclass(frozen=True, slots=True)
class PidFile:
    """What a pid file says. `boot` names the start of the machine; `mark` and `fingerprint` are its writer's own words."""

    pid: int
    created_s: float
    mark: str = ""
    fingerprint: str = ""
    boot: str = ""

    @property
    def identity(self) -> Identity:
        """The process that the file names."""
        return Identity(self.pid, self.created_s)


def identity_of(pid: int, *, or_ended: bool = False) -> Identity | None:
    """Return who has `pid` now, None where nobody has it. One that ended and was not reaped yet counts only with `or_ended`."""
    if not kernel_table.is_there():
        return _identity_elsewhere(pid, or_ended=or_ended)
    line = kernel_table.line_of(pid)
    if line is None or (line[kernel_table.STATE] in kernel_table.ENDED and not or_ended):
        return None
    # Since boot, not of the wall clock: it does not move when that is set.
    return Identity(pid, int(line[kernel_table.CREATED]) / kernel_table.TICKS)


def stand_back() -> None:
    """Have this process, and all that it starts, run where others leave room: who looks must not hold up what runs."""
    with contextlib.suppress(OSError):
        os.nice(_NICENESS)


def own_identity() -> Identity:
    """Return the identity of the process that asks."""
    found = identity_of(os.getpid())
    if found is None:
        raise ProcessLookupError("this system does not say who this process is")
    return found


def is_alive(identity: Identity) -> bool:
    """Return whether that very process runs; a stranger with its pid does not count."""
    found = identity_of(identity.pid)
    return found is not None and identity.is_same(found.pid, found.created_s)


def watch(identity: Identity) -> int | None:
    """Return a new descriptor that becomes readable when that process ends; None where it has ended (or the system has no such thing)."""
    try:
        descriptor = os.pidfd_open(identity.pid)
    except OSError:
        return None
    if is_alive(identity):
        return descriptor
    os.close(descriptor)
    return None


def send_signal(identity: Identity, signum: int) -> bool:
    """Send a signal to that very process. Returns False, with nothing sent, where it is gone or not ours to signal."""
    descriptor = watch(identity)
    try:
        if descriptor is not None:
            signal.pidfd_send_signal(descriptor, signum)
        elif is_alive(identity):  # a system without such descriptors
            os.kill(identity.pid, signum)
        else:
            return False
    except (ProcessLookupError, PermissionError):
        return False
    finally:
        if descriptor is not None:
            os.close(descriptor)
    return True


def end(identity: Identity) -> bool:
    """Kill that very process, now; returns False where it was gone already. Never signals a stranger that has its pid."""
    return send_signal(identity, signal.SIGKILL)


def children(identity: Identity, *, recursive: bool = False) -> list[Identity]:
    """Return the living children (or all descendants) of a process; empty where it is gone."""
    if not is_alive(identity):
        return []
    return _identities(_pids_below(identity.pid, recursive=recursive))


def marked(mark: str) -> list[Identity]:
    """Return the living processes that were started with `HORARIUM_WORKER=<mark>`, this one left out."""
    return [identity for identity, theirs in all_marked() if theirs == mark]


def all_marked() -> list[tuple[Identity, str]]:
    """Return the living processes that were started with a mark, with it, without this one and those that may not be read."""
    found = []
    for pid in kernel_table.pids() if kernel_table.is_there() else _pids_elsewhere():
        if pid != os.getpid() and (theirs := mark_of(pid)):
            identity = identity_of(pid)
            if identity is not None:
                found.append((identity, theirs))
    return found


def mark_of(pid: int) -> str:
    """Return the mark that the process was started with, empty where there is none or it can't be read."""
    return kernel_table.variable_of(pid, MARK_VARIABLE) if kernel_table.is_there() else _mark_elsewhere(pid)


def reap_orphans(known: Container[int]) -> None:
    """Reap ended children that nobody here waits for: what we inherited as a subreaper. The pids in `known` are left to their owners."""
    try:
        if os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return
        for pid in _pids_below(os.getpid(), recursive=False):
            if pid not in known:
                os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def become_subreaper() -> bool:
    """Make orphans among our descendants our children, so that none gets away; returns False where the system can't."""
    if not sys.platform.startswith("linux"):
        return False
    import ctypes  # late: one of a box's processes needs it, and each pays for its start

    try:
        return bool(ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False


def write_pid_file(path: Path, identity: Identity, *, mark: str = "", fingerprint: str = "") -> None:
    """Name `identity` in the file, in one atomic step."""
    content = PidFile(identity.pid, identity.created_s, mark, fingerprint, _boot_id())
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(json.dumps(asdict(content)), encoding="utf-8")
    fresh.replace(path)


def read_pid_file(path: Path) -> PidFile | None:
    """Return what the file says; None where it is missing, unreadable, or of before the machine's last start."""
    try:
        content = PidFile(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return content if content.boot == _boot_id() else None


def cpu_count() -> int:
    """Return how many CPUs this process may use, at least 1."""
    try:
        return len(os.sched_getaffinity(0)) or 1
    except (AttributeError, OSError):
        return os.cpu_count() or 1


@cache
def machine() -> str:
    """Return what names this machine since it was started, as far as its processes can be seen from here: a container is one of its own."""
    try:
        seen = str(_PID_NAMESPACE.readlink())
    except OSError:
        seen = ""
    return f"{_boot_id()} {seen}".strip()


def _identities(pids: Iterable[int]) -> list[Identity]:
    found = (identity_of(pid) for pid in pids)
    return [identity for identity in found if identity is not None]


def _pids_below(pid: int, *, recursive: bool) -> list[int]:
    """Return the pids of a process's children, or of all its descendants, those included that have ended and wait to be reaped."""
    if not kernel_table.is_there():
        return _pids_below_elsewhere(pid, recursive=recursive)
    below: defaultdict[int, list[int]] = defaultdict(list)
    for child, line in kernel_table.lines().items():
        below[int(line[kernel_table.PARENT])].append(child)
    found = list(below[pid])
    for parent in found if recursive else ():
        # The table is not of one moment: a pid that was given twice meanwhile must not lead us in a circle.
        found += [child for child in below[parent] if child not in found and child != pid]
    return found


# -- where the kernel has no table


def _identity_elsewhere(pid: int, *, or_ended: bool) -> Identity | None:
    import psutil

    try:
        process = psutil.Process(pid)
        if not or_ended and process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return None
        return Identity(pid, process.create_time())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None


def _pids_elsewhere() -> list[int]:
    import psutil

    return psutil.pids()


def _pids_below_elsewhere(pid: int, *, recursive: bool) -> list[int]:
    import psutil

    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=recursive)]
    except psutil.NoSuchProcess:
        return []


def _mark_elsewhere(pid: int) -> str:
    import psutil

    try:
        return psutil.Process(pid).environ().get(MARK_VARIABLE, "")
    except (psutil.Error, OSError):
        return ""


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
