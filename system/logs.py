"""Where do log lines go, and what do they look like? The one place that adds handlers.

A line is one decision: time (UTC, ISO 8601), level, process, logger, message, then the ids that came as `extra`. Everyone else says
`log = logging.getLogger(__name__)` and `log.info("posted %s", uow.id, extra={"uow": uow.id})`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from system.errors import ConfigError
from system.hidden import hide

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class LineFormatter(logging.Formatter):
    """One record, one line: control characters are escaped, passwords hidden; a traceback follows on indented lines."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        message = _on_one_line(record.getMessage())
        ids = "".join(f" {key}={_on_one_line(str(value))}" for key, value in vars(record).items() if key not in _STANDARD)
        line = f"{at} {record.levelname.lower():7} {self._name} {record.name}: {message}{ids}"
        if record.exc_info:
            line += "\n    " + self.formatException(record.exc_info).replace("\n", "\n    ")
        return hide(line)


class LogFile(logging.FileHandler):
    """A rotating file that says once, on stderr and in plain words, that it can't be written, and goes on trying.

    The library's own comes with sockets, queues and pickles, which every start of a process would have to read.
    """

    _is_failing = False
    _error: BaseException | None = None

    def __init__(self, path: Path, *, max_bytes: int, count: int) -> None:
        super().__init__(path, encoding="utf-8")
        self._max_bytes, self._count = max_bytes, count

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record; a success after failures is said too."""
        was_failing, self._is_failing = self._is_failing, False
        try:
            if self._is_full():
                self._rotate()
            super().emit(record)
        except (OSError, ValueError):
            self.handleError(record)
        if was_failing and not self._is_failing:
            _say(f"horarium: the log {self.baseFilename} can be written again")
        elif self._is_failing and not was_failing:
            _say(f"horarium: the log {self.baseFilename} can't be written ({self._error}); lines are lost until it can")

    def _is_full(self) -> bool:
        return self._max_bytes > 0 and self.stream is not None and os.fstat(self.stream.fileno()).st_size >= self._max_bytes

    def _rotate(self) -> None:
        """Rename the file to `.1`, what was that to `.2`, and begin anew. Where that fails the next record goes on in the old file."""
        if self.stream is not None:
            self.stream.close()
        self.stream = None  # the library opens the file again when there is something to write
        path = Path(self.baseFilename)
        files = [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, self._count + 1))]
        for newer, older in reversed(list(pairwise(files))):
            with contextlib.suppress(FileNotFoundError):
                newer.replace(older)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802  the standard library's name
        """Remember that a line was lost; a log must not end the process that writes it."""
        self._error = sys.exc_info()[1]
        self._is_failing = True

    def close(self) -> None:
        """Close the file; what could not be written was said before."""
        with contextlib.suppress(OSError):
            super().close()


def log_path(folder: Path, name: str) -> Path:
    """Return the log file of process `name` in `folder`."""
    return folder / f"{name}.log"


def tail(path: Path, count: int) -> list[str]:
    """Return the last lines of a log that are not blank, at most `count`; empty where it can't be read."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 20_000))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line.strip()][-count:]


def set_up(name: str, folder: Path, *, max_bytes: int, count: int, console: bool = False, level: int = logging.INFO) -> Path:
    """Send every log line of this process to `<folder>/<name>.log`; returns that path. What was set up before is replaced.

    The file is renamed to `.1`, `.2` ... up to `count` when it reaches `max_bytes`. Raises ConfigError where it can't be written.
    """
    path = log_path(folder, name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handlers: list[logging.Handler] = [LogFile(path, max_bytes=max_bytes, count=count)]
    except OSError as error:
        raise ConfigError(
            f"the log {path} can't be written ({error.strerror}): make its folder writable for this user, or name another in HORARIUM_VAR"
        ) from error
    if console:
        handlers.append(logging.StreamHandler())
    root = logging.getLogger()
    shut_down()
    for each in handlers:
        each.setFormatter(LineFormatter(name))
        root.addHandler(each)
    root.setLevel(level)
    # What no line shows need not be found out for each: a busy scheduler writes thousands a second.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.captureWarnings(capture=True)
    return path


def quiet() -> None:
    """Keep log lines off the terminal where no log was set up: a command speaks for itself."""
    logging.getLogger().addHandler(logging.NullHandler())


def shut_down() -> None:
    """Take away the handlers that `set_up` added, and close their files."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler.formatter, LineFormatter):
            root.removeHandler(handler)
            handler.close()


def _on_one_line(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _say(text: str) -> None:
    # A child's stderr is a file beside its log: where the disk is full, neither can be written, and nobody must die of it.
    with contextlib.suppress(OSError, ValueError):
        if sys.stderr is not None:
            print(text, file=sys.stderr, flush=True)  # noqa: T201  the log itself is what can't be written
