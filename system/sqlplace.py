"""Which database file lies at a path, and is it still the one that was opened? A handle goes on working on a file that was moved away."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock

from system.errors import StoreError, Unavailable

FileId = tuple[int, int]
_BACK = "nothing is lost: put it back, and the work goes on by itself"


class Place:
    """A path and the file that was opened there. Every thread may ask.

    `taken` is the file that this process goes by. Where another one took its place (restored from a backup, or copied back), whoever
    holds a session must begin a new one before anything else is done: see `renew`.
    """

    def __init__(self, path: Path, *, may_create: bool) -> None:
        self.path = path
        self._lock = Lock()
        self.taken = self._made() if may_create else self.look()

    def look(self) -> FileId:
        """Return which file lies at the path; raises Unavailable where there is none."""
        try:
            found = self.path.stat()
        except OSError as error:
            why = "it was moved, or its disk is not there" if isinstance(error, FileNotFoundError) else error.strerror
            raise Unavailable(f"the store {self.path} is away ({why}); {_BACK}") from error
        return found.st_dev, found.st_ino

    def check(self, *, anew: bool = False) -> FileId:
        """Return which file lies at the path. Raises Unavailable where there is none, and where it is another one, unless `anew`."""
        found = self.look()
        if found != self.taken and not anew:
            raise Unavailable(
                f"another file took the place of the store {self.path}: this process goes on as soon as it has opened a new session in it"
            )
        return found

    @property
    def is_replaced(self) -> bool:
        """Whether another file lies there than the one that this process goes by; False where there is none."""
        try:
            return self.look() != self.taken
        except Unavailable:
            return False

    def renew(self) -> None:
        """Go by the file that lies there now; raises Unavailable where there is none."""
        found = self.look()
        with self._lock:
            self.taken = found

    def _made(self) -> FileId:
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644))
        except OSError as error:
            raise StoreError(
                f"the store {self.path} can't be opened: {error.strerror} ({error.filename}); "
                "check the permissions and the free space of its folder, or name another place for it"
            ) from error
        return self.look()
