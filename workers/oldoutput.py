"""Which files of output are too old to keep on this box? What attempts printed stands in the store too, as long as that keeps it.

Each box tidies its own folder: several workers over one do no harm. Ages are by the clock that the files' own times come from.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread

from system.clock import Clock

log = logging.getLogger(__name__)
_PASS_S = 3600.0
_REST_S = 0.02
# An empty folder goes a day after the last change in it: nobody is just about to write there.
_EMPTY_S = 86_400.0


class OldOutput:
    """Removes what is older than `days` from the folder of attempts' output, folder by folder; 0 days: nothing. `stop` ends its thread."""

    def __init__(self, folder: Path, days: float, clock: Clock) -> None:
        self._folder = folder
        self._days = days
        self._clock = clock
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="old output", daemon=True)

    def start(self) -> None:
        """Begin, unless output is kept for ever."""
        if self._days > 0:
            self._thread.start()

    def stop(self) -> None:
        """End soon."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def sweep(self, now: datetime) -> Iterator[int]:
        """Go through the folder; yields, for each folder of a period in it, how many files were removed there."""
        before = (now - timedelta(days=self._days)).timestamp()
        for process in _folders(self._folder):
            for period in _folders(process.path):
                yield _tidy(period, before, now.timestamp() - _EMPTY_S)
            _drop_empty(process, now.timestamp() - _EMPTY_S)

    def _run(self) -> None:
        while not self._stopped.wait(_REST_S):
            try:
                for _ in self.sweep(self._clock.now()):
                    if self._stopped.wait(_REST_S):
                        return
            except OSError as error:
                log.warning("old output can't be removed, will be tried again: %s", error)
            if self._stopped.wait(_PASS_S):
                return


def _folders(path: str | Path) -> list[os.DirEntry[str]]:
    """Return the folders of attempts in a folder; the slots' own begins with a dot."""
    with suppress(FileNotFoundError), os.scandir(path) as found:
        return [entry for entry in found if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)]
    return []


def _tidy(period: os.DirEntry[str], before: float, empty_before: float) -> int:
    count = 0
    with suppress(FileNotFoundError), os.scandir(period.path) as found:
        for entry in found:
            if entry.is_file(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_mtime < before:
                Path(entry.path).unlink()
                count += 1
    _drop_empty(period, empty_before)
    return count


def _drop_empty(folder: os.DirEntry[str], before: float) -> None:
    path = Path(folder.path)
    with suppress(OSError):  # it is gone, or something is in it
        if path.stat().st_mtime < before:
            path.rmdir()
