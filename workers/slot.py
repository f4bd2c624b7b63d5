"""What runs inside a slot? One task after another, each a call of a user's function, with one frame back for each.

Standard library only: a slot holds none of our packages in `sys.modules`, since a user may have packages of the same names.
"""

from __future__ import annotations

import faulthandler
import importlib
import io
import json
import logging
import operator
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from workers import named_function
from workers.named_function import resolve
from workers.printed import BoundedFile
from workers.vault import Vault

MOST_ROWS = (1 << 63) - 1  # a store holds no more: an outcome that it can't take would hold up all others of the worker
FRAME_BYTES = 1 << 17  # a longer frame comes as the name of a file that holds it
REASON_CHARACTERS = 2000
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
DONE, EMPTY, FAILED, NOT_STARTED = "done", "no data", "failed", "never started"  # as in `workers.slots.Ending`
_NOT_THE_USERS = {
    *(__file__, named_function.__file__, importlib.__file__), "<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>",
}  # fmt: skip
_TRUNCATE = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC

Function = Callable[["Work"], object]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a slot works. `end_grace_s` is how long a command has from being asked to end until it is killed."""

    user_folder: str
    root: str
    output_limit_bytes: int
    end_grace_s: float
    secrets_file: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What a task came to. `ending` is one of DONE, EMPTY, FAILED."""

    ending: str
    rows: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job's function may return: made by `work.done` and `work.no_data`."""

    rows: int | None = None
    is_empty: bool = False
    reason: str = ""


class Work:
    """What a job's function is given: its period and window, its arguments, and how to see that it is to end.

    `start` and `end` bound the window `[start, end)` as aware datetimes. `arguments` is read-only and this attempt's own.
    `slice` tells which rows of the source a recomputing process is asked to cover: `after` < key <= `highest`; None for all of the window.
    `fence` grows with every attempt: a sink refuses whatever comes with a smaller one than it has seen.
    """

    __slots__ = (
        "_is_canceled", "_vault", "arguments", "attempt", "end", "end_timeperiod", "fence", "log", "process", "slice", "start",
        "start_timeperiod", "timeperiod", "uow_id",
    )  # fmt: skip

    def __init__(self, task: Mapping[str, Any], is_canceled: Callable[[], bool], vault: Vault) -> None:
        self._vault = vault
        self.uow_id: str = task["uow_id"]
        self.fence: int = task["fence"]
        self.process: str = task["process"]
        self.timeperiod: str = task["timeperiod"]
        self.start_timeperiod: str = task["start_timeperiod"]
        self.end_timeperiod: str = task["end_timeperiod"]
        self.start = datetime.fromisoformat(task["start"])
        self.end = datetime.fromisoformat(task["end"])
        self.attempt: int = task["attempt"]
        self.arguments: Mapping[str, Any] = MappingProxyType({name: _frozen(value) for name, value in task["arguments"].items()})
        self.slice: Mapping[str, Any] | None = _frozen(task.get("slice"))
        self.log = logging.getLogger(self.process)
        self._is_canceled = is_canceled

    @property
    def canceled(self) -> bool:
        """Whether this attempt was asked to end (a cancel, a time limit, a stopping worker); whatever it returns then does not count."""
        return self._is_canceled()

    def secret(self, name: str) -> str:
        """Return the secret `name`, read just now; raises LookupError, with the names that there are, where there is none."""
        return self._vault.get("secrets", name)

    def connection(self, name: str) -> str:
        """Return the connection `name`, as a rule a URL; otherwise as `secret`."""
        return self._vault.get("connections", name)

    def done(self, rows: int | None = None) -> Outcome:
        """Return the outcome of work that was done, with the number of rows it wrote."""
        return Outcome(rows)

    def no_data(self, reason: str = "") -> Outcome:
        """Return the outcome of a period without data."""
        return Outcome(None, is_empty=True, reason=reason)


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return MappingProxyType({name: _frozen(item) for name, item in value.items()})
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    return value


def result_of(returned: object) -> Result:
    """Return what a function's return value means; raises TypeError or ValueError where it means nothing."""
    if returned is None:
        return Result(DONE)
    if isinstance(returned, Outcome):
        if returned.is_empty:
            return Result(EMPTY, None, str(returned.reason)[:REASON_CHARACTERS])
        return Result(DONE, None if returned.rows is None else _rows(returned.rows))
    return Result(DONE, _rows(returned))


def _rows(returned: Any) -> int:
    """Return a number of rows; other libraries' whole numbers count as well."""
    try:
        if isinstance(returned, bool):
            raise TypeError
        rows = operator.index(returned)
    except TypeError:
        shown = f"{type(returned).__name__}: {returned!r}"[:200]
        raise TypeError(f"a job returns work.done(rows), work.no_data(), a number of rows, or None; this one returned {shown}") from None
    if rows < 0:
        raise ValueError(f"a number of rows can't be negative; the job returned {rows}")
    if rows > MOST_ROWS:
        raise ValueError(f"a number of rows is at most {MOST_ROWS}; the job returned a greater one")
    return rows


class Slot:
    """The life of one slot, in its own process. `run` returns when the worker has no more for it."""

    def __init__(self, line: socket.socket, scratch: str, place: Place, monotonic: Callable[[], float]) -> None:
        self._line = line
        self._scratch = scratch
        self._place = place
        self._monotonic = monotonic
        self._pid = os.getpid()
        self._vault = Vault(place.secrets_file, os.environ)
        self._is_asked = False
        self._functions: dict[str, Function] = {}
        self._has_output = False
        self._out = self._err = sys.stdout
        self._threads = 1
        self._environment: dict[bytes, bytes] = {}

    def prepare(self) -> None:
        """Make the process the user's: folder, path, output, log, signals at their defaults."""
        signal.signal(signal.SIGTERM, self._on_term)
        os.chdir(self._place.user_folder)
        ours = {self._place.user_folder, self._place.root}
        sys.path[:] = [self._place.user_folder, *(path for path in sys.path if path not in ours), self._place.root]
        self._open_output()
        self._out = sys.stdout = sys.__stdout__ = self._stream(1)  # type: ignore[misc]
        self._err = sys.stderr = sys.__stderr__ = self._stream(2)  # type: ignore[misc]
        faulthandler.enable(file=2)
        handler = logging.StreamHandler(_Errors())
        handler.setFormatter(_UtcFormatter(LOG_FORMAT))
        logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
        self._take_stock()

    def run(self) -> None:
        """Do what comes until the line ends, a task leaves something behind, or the slot was asked to end."""
        goes_on = True
        while goes_on and (frame := self._line.recv(FRAME_BYTES)):
            goes_on = self._one(json.loads(frame))

    def _on_term(self, number: int, _: object) -> None:
        if os.getpid() != self._pid:  # a child that the job forked: it ends by the signal, as anyone expects
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        self._is_asked = True

    def _one(self, task: Mapping[str, Any]) -> bool:
        began_s = self._monotonic()
        if "spilled" in task:
            file = Path(task["spilled"])
            task = json.loads(file.read_bytes())
            file.unlink()
        result = self._attempt(task)
        was_asked = self._is_asked
        leak = self._leak()
        printed = False
        try:
            printed = self._keep_output(task["output"])
        except OSError as error:
            leak += f" output that can't be kept ({error})"
        frame = [task["number"], result.ending, result.rows, result.reason, was_asked, printed, leak, began_s, self._monotonic()]
        self._line.send(json.dumps(frame).encode())
        return not (leak or self._is_asked)

    def _attempt(self, task: Mapping[str, Any]) -> Result:
        if self._is_asked:  # while there was nothing to do
            return Result(NOT_STARTED, None, "its slot was asked to end before")
        try:
            if not self._has_output:
                self._open_output()
        except OSError as error:
            return Result(FAILED, None, f"there is no place for its output: {error}")
        self._mark("HORARIUM_UOW", task["uow_id"])
        self._mark("HORARIUM_FENCE", str(task["fence"]))
        return self._call(task)

    def _mark(self, name: str, text: str) -> None:
        os.environ[name] = text
        self._environment[name.encode()] = text.encode("utf-8", "surrogateescape")

    def _call(self, task: Mapping[str, Any]) -> Result:
        """Call the function; whatever it raises is the task's failure and never the slot's."""
        try:
            work = Work(task, lambda: self._is_asked, self._vault)
            returned = self._function(task["classname"])(work)
            if os.getpid() != self._pid:
                os._exit(0)  # a child that the job forked came back from the function: it is not the slot
            return result_of(returned)
        except SystemExit as error:
            return self._exited(error.code)
        except BaseException as error:  # noqa: BLE001  this is the edge: what a user's function raises is told, not handled
            return self._failed(error)

    def _function(self, classname: str) -> Function:
        function = self._functions.get(classname)
        if function is None:
            function = self._functions[classname] = resolve(classname)
            self._take_stock()  # what an import sets up stays, by design of whoever wrote the module
        return function

    def _exited(self, code: object) -> Result:
        if os.getpid() != self._pid:
            os._exit(code if isinstance(code, int) else code is not None)
        if code is None or code == 0:
            return Result(DONE)
        return Result(FAILED, None, f"exit code {code}" if isinstance(code, int) else str(code)[:REASON_CHARACTERS])

    def _failed(self, error: BaseException) -> Result:
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename in _NOT_THE_USERS:
            trace = trace.tb_next  # the user's own frames say it
        text = "".join(traceback.format_exception(type(error), error, trace))
        with suppress(OSError):  # where the disk is full the error is told all the same, if only in a line
            if self._err.closed:
                os.write(2, text.encode("utf-8", "backslashreplace"))
            else:
                self._err.write(text)
        if os.getpid() != self._pid:
            os._exit(1)
        return Result(FAILED, None, traceback.format_exception_only(error)[-1].strip()[:REASON_CHARACTERS])

    # -- output

    def _open_output(self) -> None:
        """Point output at an empty scratch file. Made before a task that follows one which printed, never for silent ones."""
        fd = os.open(self._scratch, _TRUNCATE, 0o640)
        os.dup2(fd, 1)
        os.dup2(fd, 2)
        os.close(fd)
        self._has_output = True

    def _stream(self, fd: int) -> io.TextIOWrapper:
        raw = BoundedFile(fd, self._place.output_limit_bytes)
        return io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", line_buffering=True)

    def _keep_output(self, path: str) -> bool:
        """Give what was printed its own file; returns whether there was something."""
        for stream in (self._out, self._err):
            if not stream.closed:
                stream.flush()
        if not self._has_output or not os.fstat(1).st_size:
            return False
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        Path(self._scratch).rename(file)
        self._has_output = False
        return True

    # -- leaks

    def _take_stock(self) -> None:
        self._threads = threading.active_count()
        self._environment = dict(os.environb)

    def _leak(self) -> str:
        """Return what the task left behind, empty where there is nothing: after that no other task may run here."""
        found = []
        if threading.active_count() > self._threads:
            found.append("threads")
        if _has_children():
            found.append("child processes")
        if _folder() != self._place.user_folder:
            found.append("another current folder")
        if _environment() != self._environment:
            found.append("a changed environment")
        if signal.getsignal(signal.SIGTERM) != self._on_term:
            found.append("another handler of SIGTERM")
        if self._out.closed or self._err.closed:
            found.append("closed output")
        sys.stdout, sys.stderr = self._out, self._err
        return ", ".join(found)


class _UtcFormatter(logging.Formatter):
    """Tells the time in UTC, as all of ours is, whatever zone the machine is in."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802  logging's names
        return datetime.fromtimestamp(record.created, UTC).isoformat(" ", "milliseconds").replace("+00:00", "Z")


class _Errors:
    """Writes to whatever `sys.stderr` is at the moment."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def _environment() -> Mapping[bytes, bytes]:
    # The mapping under os.environ, where there is one: comparing it costs a microsecond instead of twenty.
    kept: Mapping[bytes, bytes] | None = getattr(os.environ, "_data", None)
    return kept if kept is not None else dict(os.environb)


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _folder() -> str:
    try:
        return os.getcwd()  # noqa: PTH109  no Path is worth its time here
    except FileNotFoundError:
        return ""


def run_slot(line: socket.socket, scratch: str, place: Place, monotonic: Callable[[], float]) -> None:
    """Be a slot until there is no more to do, then end the process; never returns."""
    slot = Slot(line, scratch, place, monotonic)
    slot.prepare()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    slot.run()
    os._exit(0)  # threads that a job left must not hold the process up
