"""What does a job get, and what does an attempt leave behind? The shape of `work`, and marks that tell who ran when."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Protocol

from system.clock import RealClock


class Work(Protocol):
    """The part of Horarium's `work` that these jobs use. The window is `[start, end)`, both aware, in UTC."""

    @property
    def process(self) -> str:
        """The process, such as `flights_daily`."""
        ...

    @property
    def timeperiod(self) -> str:
        """The timeperiod, such as `2013013100`."""
        ...

    @property
    def start(self) -> datetime:
        """When the window opens."""
        ...

    @property
    def end(self) -> datetime:
        """When the window has ended."""
        ...

    @property
    def fence(self) -> int:
        """A number that only grows, from attempt to attempt, for one period of one process."""
        ...

    @property
    def arguments(self) -> Mapping[str, object]:
        """What the context gives to the process."""
        ...

    def no_data(self, reason: str) -> object:
        """Return the outcome that says: nothing to do in this window."""
        ...


Job = Callable[[Work], object]


def marked(job: Job) -> Job:
    """Return `job`, which writes a mark when it starts and when it ends, if the argument `marks` names a folder.

    Tests judge by these marks what really ran, in which order, and whether two attempts ever overlapped.
    """

    @functools.wraps(job)
    def with_marks(work: Work) -> object:
        _mark("start", work)
        try:
            outcome = job(work)
        except BaseException:
            _mark("fail", work)
            raise
        _mark("end", work)
        return outcome

    return with_marks


def _mark(what: str, work: Work) -> None:
    """Append `<start|end|fail> <process>/<timeperiod> <fence> <pid> <seconds since boot>` to `marks.txt`."""
    folder = work.arguments.get("marks")
    if not folder:
        return
    line = f"{what} {work.process}/{work.timeperiod} {work.fence} {os.getpid()} {RealClock().monotonic():.6f}\n"
    file = os.open(Path(str(folder)) / "marks.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(file, line.encode())  # one write of one short line: whole, whoever else writes, and whoever is killed
    finally:
        os.close(file)
