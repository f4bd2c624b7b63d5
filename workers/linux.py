"""What does the kernel do for slots that Python has no word for? Dying with a parent, adopting orphans, alarms that count sleep.

Standard library only, and for processes of one thread. Where the kernel has no such thing, the answer is False or an empty hand.
"""

from __future__ import annotations

import ctypes
import os
import signal
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_CLOCK_BOOTTIME = 7
_TFD_FLAGS = os.O_CLOEXEC | os.O_NONBLOCK
_TFD_TIMER_ABSTIME = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent: int, with_signal: int) -> bool:
    """Have the kernel send `with_signal` when the thread that forked us ends; ends us at once where `parent` is gone already."""
    is_set = _prctl(_PR_SET_PDEATHSIG, with_signal)
    if os.getppid() != parent:
        os._exit(1)
    return is_set


def adopt_orphans() -> bool:
    """Become the parent of every descendant whose own parent ends, so that none can slip away."""
    return _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> bool:
    call = getattr(_LIBC, "prctl", None)
    return call is not None and call(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)) == 0


def children() -> list[int]:
    """Return the pids of our children, adopted ones and dead ones that were not waited for included."""
    me = os.getpid()
    try:
        return [int(pid) for pid in Path(f"/proc/{me}/task/{me}/children").read_text().split()]
    except FileNotFoundError:  # a kernel without CONFIG_PROC_CHILDREN
        return [int(folder.name) for folder in Path("/proc").glob("[0-9]*") if _parent_of(folder) == me]


def _parent_of(folder: Path) -> int:
    try:
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def kill(pids: list[int]) -> list[int]:
    """Kill children that were not waited for; returns those that may not be killed (they run as another user)."""
    refused = []
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except PermissionError:
            refused.append(pid)
    return refused


def how_it_ended(status: int) -> str:
    """Return a wait status in words, such as `exit code 3` or `killed by SIGSEGV`."""
    return exit_in_words(os.waitstatus_to_exitcode(status))


def exit_in_words(code: int) -> str:
    """Return an exit code in words, a negative one being a signal; not every signal has a name."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


class _Moment(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


class _Setting(ctypes.Structure):
    _fields_ = [("interval", _Moment), ("at", _Moment)]


class Alarm:
    """A descriptor that becomes readable at a reading of the clock's `monotonic`, also when a laptop slept meanwhile.

    `fileno` is -1 where the kernel has none; whoever waits must then wait with a limit.
    """

    def __init__(self) -> None:
        create = getattr(_LIBC, "timerfd_create", None)
        self._fd: int = create(_CLOCK_BOOTTIME, _TFD_FLAGS) if create is not None else -1
        self._at_s = 0.0

    def fileno(self) -> int:
        """Return the descriptor, -1 where there is none."""
        return self._fd

    def set(self, at_s: float) -> None:
        """Ring at `at_s`, at once if that is past; 0 means never. Replaces what was set before, also a bell that rings."""
        if self._fd < 0 or at_s == self._at_s:
            return
        self._at_s = at_s
        seconds = int(at_s)
        moment = _Moment(seconds, int((at_s - seconds) * 1e9) if at_s else 0)
        setting = _Setting(_Moment(0, 0), moment)
        _LIBC.timerfd_settime(self._fd, _TFD_TIMER_ABSTIME, ctypes.byref(setting), None)

    def close(self) -> None:
        """Let go of the descriptor."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
