"""Is this the only supervisor over its folder? A lock that names who holds it, and the file that names the supervisor."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

from system import processes
from system.clock import RealClock
from system.errors import ConfigError
from system.processes import PidFile

SUPERVISOR = "supervisor"
UP, DAEMON = "up", "daemon"
_CLOCK = RealClock()  # processes live by the machine's time, also in a trial
_LOOK_S, _NAMED_WITHIN_S = 0.01, 5.0


def lock_path(var: Path) -> Path:
    """Return the lock of a folder's one supervisor."""
    return var / "up.lock"


def pid_path(var: Path, name: str) -> Path:
    """Return the pid file of what `launch.py start` started under `name`. Not in `run/`, where a supervisor's own children are."""
    return var / "daemons" / f"{name}.pid"


def running(var: Path, name: str) -> PidFile | None:
    """Return what the pid file says of a daemon that runs; None where it does not, also where a stranger has its pid by now."""
    said = processes.read_pid_file(pid_path(var, name))
    return said if said and processes.is_alive(said.identity) else None


def singles(var: Path) -> list[str]:
    """Return the names that have a pid file of their own, the supervisor first."""
    found = sorted(path.stem for path in pid_path(var, SUPERVISOR).parent.glob("*.pid"))
    return sorted(found, key=lambda name: name != SUPERVISOR)


def refuse_beside(var: Path) -> None:
    """Raise ConfigError where a daemon runs that a supervisor would start once more: two of one name would write one log."""
    alone = [name for name in singles(var) if name != SUPERVISOR and running(var, name)]
    if alone:
        raise ConfigError(f"{', '.join(alone)} runs as a daemon of its own: `launch.py stop` first, then the supervisor keeps it")


@contextmanager
def only_one(path: Path, kind: str = UP) -> Iterator[None]:
    """Hold the lock file while inside; raises ConfigError that names who holds it."""
    try:
        file = path.open("a+", encoding="ascii")
    except OSError as error:
        raise ConfigError(f"{path} can't be written ({error.strerror}): make it writable for this user, or set HORARIUM_VAR") from error
    with file:
        if not _lock(file):
            file.seek(0)
            raise ConfigError(_taken(path.parent, file.read().split()))
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()} {kind}\n")
        file.flush()
        yield


@contextmanager
def single(var: Path, name: str) -> Iterator[None]:
    """Let the pid file name this process, which no supervisor started, while inside; no supervisor begins before it does."""
    with ExitStack() as stack:
        with lock_path(var).open("a", encoding="ascii") as file:
            # Where a supervisor runs already, what it keeps is known by its files.
            _is_locked(file, fcntl.LOCK_SH)
            stack.enter_context(named(var, name, DAEMON))
        yield


def _lock(file: TextIO) -> bool:
    """Return whether the lock is held now; one that names itself just then, as a daemon of its own, is waited for."""
    until_s = _CLOCK.monotonic() + _NAMED_WITHIN_S
    while not _is_locked(file, fcntl.LOCK_EX):
        # Where it can be shared, nobody but such ones holds it.
        if _CLOCK.monotonic() >= until_s or not _is_locked(file, fcntl.LOCK_SH):
            return False
        fcntl.flock(file, fcntl.LOCK_UN)
        _CLOCK.sleep(_LOOK_S)
    return True


def _is_locked(file: TextIO, how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def starting(var: Path, name: str) -> Iterator[None]:
    """Be the only one that starts a daemon of that name while inside; raises ConfigError where someone else does just now."""
    path = pid_path(var, name).with_suffix(".starting")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigError(f"{name} is being started by another `launch.py start` just now: launch.py query shows what runs") from error
        yield


@contextmanager
def named(var: Path, name: str, kind: str) -> Iterator[None]:
    """Let the pid file name this process while inside."""
    path = pid_path(var, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    own = processes.own_identity()
    processes.write_pid_file(path, own, mark=kind)
    try:
        yield
    finally:
        said = processes.read_pid_file(path)
        if said and said.identity == own:
            path.unlink(missing_ok=True)


def _taken(var: Path, holder: list[str]) -> str:
    pid, kind = (*holder, "unknown", UP)[:2] if holder else ("unknown", UP)
    if kind == DAEMON:
        return f"a supervisor runs over {var} as a daemon (pid {pid}): `launch.py stop` ends it, or set HORARIUM_VAR to another folder"
    return f"another `launch.py up` runs over {var} (pid {pid}): stop it first, or set HORARIUM_VAR to another folder"
