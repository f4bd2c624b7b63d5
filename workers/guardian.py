"""Who watches over a command? A process of its own that ends the command with all that it started, whatever else happens.

One guardian runs one command. It adopts what the command leaves behind, so nothing gets away by detaching itself; the command itself dies
with the guardian. Standard library only, as in a slot.
"""

from __future__ import annotations

import json
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workers.linux import children, die_with_parent, exit_in_words, kill
from workers.printed import keep_ends
from workers.slot import DONE, EMPTY, FAILED, FRAME_BYTES, NOT_STARTED, Place, Result
from workers.vault import BadSecretsFile, Vault

_CHUNK_BYTES = 1 << 16
_PLACEHOLDER = re.compile(r"\{(timeperiod|start_timeperiod|end_timeperiod|start|end)\}")
_TOLD = ("process", "timeperiod", "qualifier", "start_timeperiod", "end_timeperiod", "start", "end", "attempt")


def filled(argv: list[str], task: Mapping[str, Any]) -> list[str]:
    """Return `argv` with `{timeperiod}`, `{start}` and the like replaced; other braces are left alone."""
    return [_PLACEHOLDER.sub(lambda found: str(task[found[1]]), item) for item in argv]


def environment(task: Mapping[str, Any], inherited: Mapping[str, str]) -> dict[str, str]:
    """Return what a command finds in its environment: `HORARIUM_UOW`, `HORARIUM_FENCE`, period and window, arguments and slice."""
    told = {f"HORARIUM_{name.upper()}": str(task[name]) for name in _TOLD}
    arguments = {"HORARIUM_ARGUMENTS": json.dumps(task["arguments"])} if task["arguments"] else {}
    if task.get("slice"):
        arguments["HORARIUM_SLICE"] = json.dumps(task["slice"])
    return {**inherited, **told, **arguments, "HORARIUM_UOW": task["uow_id"], "HORARIUM_FENCE": str(task["fence"])}


def result_of(returncode: int, noop_exit_code: int | None) -> Result:
    """Return what an exit code means: only 0 is success (fault 20)."""
    if returncode == 0:
        return Result(DONE)
    if returncode == noop_exit_code:
        return Result(EMPTY)
    return Result(FAILED, None, exit_in_words(returncode))


class Guardian:
    """The life of one command, in its own process. `run` returns when nothing of the command is left."""

    def __init__(self, line: socket.socket, place: Place, monotonic: Callable[[], float]) -> None:
        self._line = line
        self._place = place
        self._monotonic = monotonic
        self._selector = selectors.DefaultSelector()
        self._command: subprocess.Popen[bytes] | None = None
        self._file = -1
        self._path = Path()
        self._has_printed = False
        self._kill_at_s: float | None = None
        self._was_asked = False
        self._beyond_us: set[int] = set()

    def prepare(self) -> None:
        """Have signals and the worker's end wake the guardian up."""
        near, far = socket.socketpair()
        near.settimeout(0.0)
        far.settimeout(0.0)
        signal.set_wakeup_fd(far.fileno(), warn_on_full_buffer=False)
        self._wakeup_end = far
        signal.signal(signal.SIGTERM, lambda *_: self._ask())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(near, selectors.EVENT_READ, lambda: near.recv(_CHUNK_BYTES))

    def run(self) -> None:
        """Take the one task, see it to its end, and say what it came to."""
        frame = self._line.recv(FRAME_BYTES)
        if not frame:
            return
        task = json.loads(frame)
        if "spilled" in task:
            file = Path(task["spilled"])
            task = json.loads(file.read_bytes())
            file.unlink()
        began_s = self._monotonic()
        self._path = Path(task["output"])
        result = self._start(task) or self._watch(task)
        self._line.send(json.dumps([
            task["number"], result.ending, result.rows, result.reason, self._was_asked, self._has_printed, "", began_s, self._monotonic(),
        ]).encode())  # fmt: skip

    def _start(self, task: Mapping[str, Any]) -> Result | None:
        """Start the command; returns a result only where that failed."""
        if self._was_asked:
            return Result(NOT_STARTED, None, "its guardian was asked to end before")
        me = os.getpid()
        argv = filled(task["argv"], task)
        try:
            inherited = {**Vault(self._place.secrets_file).from_file(), **os.environ}
        except BadSecretsFile as error:
            return Result(FAILED, None, str(error))
        reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        os.set_blocking(writing, True)
        try:
            self._command = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=writing, stderr=writing, cwd=self._place.user_folder,
                env=environment(task, inherited), start_new_session=True,
                preexec_fn=lambda: die_with_parent(me, signal.SIGKILL),  # noqa: PLW1509  there are no threads here
            )  # fmt: skip
        except (OSError, ValueError) as error:
            return Result(FAILED, None, f"can't start {argv[0]!r}: {error.strerror or error if isinstance(error, OSError) else error}")
        finally:
            os.close(writing)
        self._selector.register(reading, selectors.EVENT_READ, lambda: self._pump(reading))
        self._selector.register(self._line, selectors.EVENT_READ, self._hear)
        if self._was_asked:  # while it was being started
            self._urge()
        return None

    def _watch(self, task: Mapping[str, Any]) -> Result:
        assert self._command is not None
        while True:
            if self._command.poll() is not None and not self._what_is_left():
                break
            if self._kill_at_s is not None and self._monotonic() >= self._kill_at_s:
                self._kill()
            for key, _ in self._selector.select(self._wait_s()):
                key.data()
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, int):
                while self._pump(key.fileobj):
                    pass
        return result_of(self._command.returncode, task["noop_exit_code"])

    def _what_is_left(self) -> bool:
        """Reap what the command left behind, and end the rest; returns whether there still is something."""
        left = [pid for pid in children() if pid not in self._beyond_us and not _reaped(pid)]
        if left and not self._was_asked:
            self._beyond_us.update(kill(left))
        return bool(left)

    def _wait_s(self) -> float | None:
        return None if self._kill_at_s is None else max(0.0, self._kill_at_s - self._monotonic())

    def _hear(self) -> None:
        """The worker says nothing more to a guardian; what can be read is the end of the line."""
        self._selector.unregister(self._line)
        self._ask()

    def _ask(self) -> None:
        """Have the command end; may come before there is one, which then is remembered."""
        command = self._command
        if self._was_asked or (command is not None and command.returncode is not None):
            return
        self._was_asked = True
        if command is not None:
            self._urge()

    def _urge(self) -> None:
        if self._kill_at_s is None:
            self._kill_at_s = self._monotonic() + self._place.end_grace_s
            self._signal_group(signal.SIGTERM)

    def _kill(self) -> None:
        """Kill the group and all children; those of a child become ours by its death, and are next."""
        self._signal_group(signal.SIGKILL)
        self._beyond_us.update(kill([pid for pid in children() if pid not in self._beyond_us]))
        self._kill_at_s = self._monotonic() + 0.02

    def _signal_group(self, number: int) -> None:
        assert self._command is not None
        try:
            if self._command.returncode is None:  # not waited for, so its pid is still its own
                os.killpg(self._command.pid, number)
        except ProcessLookupError:
            pass  # it has just ended by itself
        except PermissionError as error:
            print(f"a command runs as another user and can't be ended: {error}", file=sys.stderr)  # noqa: T201  this is no place for logging

    # -- output

    def _pump(self, reading: int) -> bool:
        """Move a chunk of what was printed into the file; returns whether there may be more."""
        try:
            data = os.read(reading, _CHUNK_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._selector.unregister(reading)
            os.close(reading)
            return False
        self._keep(data)
        return True

    def _keep(self, data: bytes) -> None:
        try:
            if not self._has_printed:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
                self._has_printed = True
            os.write(self._file, data)
            keep_ends(self._file, self._place.output_limit_bytes)
        except OSError as error:  # a full disk must not end the command
            print(f"output of {self._path} is lost: {error}", file=sys.stderr)  # noqa: T201


def _reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def run_guardian(line: socket.socket, place: Place, monotonic: Callable[[], float]) -> None:
    """Be the guardian of one command, then end the process; never returns."""
    guardian = Guardian(line, place, monotonic)
    guardian.prepare()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    guardian.run()
    os._exit(0)
