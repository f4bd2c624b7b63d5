"""Has the process context changed on disk? A thread looks now and then, loads what is new and hands it out once it may be taken up."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

from system.context import Context
from system.errors import ConfigError, HorariumError

log = logging.getLogger(__name__)

Signature = tuple[int, int, int]
_REFUSED = "the changed process context is refused, the old one goes on"


class ContextWatch:
    """Watches the file of a context; `current` is the one that is in use. `load` returns the checked context anew or raises ConfigError;
    `refusal_of` says why one may not be taken up yet, empty where it may, and is asked again and again.

    `look` does one round and is what `start`'s thread calls every `interval_s`. A user's file may take its time: nobody waits for it.
    """

    def __init__(
        self, file: Path, current: Context, load: Callable[[], Context], refusal_of: Callable[[Context], str], *, interval_s: float = 2.0
    ) -> None:
        self._file, self._current, self._load, self._refusal_of, self._interval_s = file, current, load, refusal_of, interval_s
        self._signature: Signature | None = None
        self._digest = ""
        self._candidate: Context | None = None
        self._accepted: Context | None = None
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="context", daemon=True)
        self.refusal = ""

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Look no more. Does not wait for a context that is just being loaded."""
        self._stopped.set()

    def take(self) -> Context | None:
        """Return the context to be taken up, once; None where there is none."""
        taken, self._accepted = self._accepted, None
        return taken

    def look(self) -> None:
        """Load the context where its file has changed, and ask whether it may be taken up where that is open."""
        if self._note():
            try:
                found = self._load()
                self._candidate = None if found == self._current else found
            except ConfigError as error:
                self._candidate = None
                self._refuse(f"{_REFUSED}: {error}")
                return
        elif self._candidate is None:
            return
        text = self._refusal_of(self._candidate) if self._candidate else ""
        self._refuse(f"{_REFUSED}: {text}" if text else "")
        if self._candidate and not text:
            log.info("the process context has changed and is taken up", extra={"action": "context_taken"})
            self._accepted = self._current = self._candidate
            self._candidate = None

    def _note(self) -> bool:
        """Return whether the file's text is another one than at the last look."""
        try:
            found = self._file.stat()
            signature = (found.st_mtime_ns, found.st_size, found.st_ino)
            if signature == self._signature:
                return False
            digest = hashlib.sha256(self._file.read_bytes()).hexdigest()
        except OSError as error:
            self._signature, self._digest = None, ""
            self._refuse(f"the process context can't be read, the old one goes on: {error}")
            return False
        is_other, self._signature = digest != self._digest, signature
        self._digest = digest
        return is_other

    def _refuse(self, text: str) -> None:
        if text and text != self.refusal:
            log.error("%s", text, extra={"action": "context_refused"})
        self.refusal = text

    def _run(self) -> None:
        while not self._stopped.wait(self._interval_s):
            try:
                self.look()
            except HorariumError as error:
                log.warning("could not look whether the process context has changed: %s", error)
            except Exception:
                # The edge of this thread: whatever a user's file does, the next look may find it mended.
                log.exception("could not look whether the process context has changed")
