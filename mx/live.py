"""Who is told that something has changed? Every page that is open: one thread asks the store, however many readers there are.

A reader gets a number whenever the deployment may look otherwise than before, and then fetches what it shows. Nothing is asked
while nobody reads.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from threading import Condition, Thread
from typing import Protocol

from system.errors import HorariumError

log = logging.getLogger(__name__)

_BEAT_S = 5.0  # what no turn tells (beats, queues, ages) is looked at so often
_MOST_READERS = 400  # each holds a thread of the server; the threads beyond serve pages
_COME_AGAIN = "retry: 20000\n\n"
_READERS_PER_S = 50  # with more readers than this each is told less often, so that they don't hold each other up


class Versioned(Protocol):
    """Whoever knows whether something has changed."""

    def version(self) -> int:
        """Return a number that is another one once something has changed."""
        ...


class Live:
    """The one who looks, and those who wait. Its thread runs while there is a reader."""

    def __init__(self, desk: Versioned, *, look_s: float = 1.0, most: int = _MOST_READERS) -> None:
        self._desk, self._look_s, self._most = desk, look_s, most
        self._changed = Condition()
        self._number, self._readers = 0, 0
        self._is_closed, self._is_looking = False, False

    @property
    def number(self) -> int:
        """How often something has changed, as far as anybody looked."""
        return self._number

    @property
    def readers(self) -> int:
        """How many wait just now."""
        return self._readers

    def events(self) -> Iterator[str]:
        """Yield server-sent events until closed: the number at once, after each change, and as a sign of life every few seconds.

        Where there are too many readers already, one more is told to come again later.
        """
        if not self._enter():
            if not self._is_closed:
                yield _COME_AGAIN
            return
        try:
            seen = self._number
            yield f"retry: 2000\ndata: {seen}\n\n"
            while not self._is_closed:
                seen = self._next(seen)
                yield f"data: {seen}\n\n"
        finally:
            with self._changed:
                self._readers -= 1

    def _enter(self) -> bool:
        """Count one more reader, and have somebody look; returns False where there is no place, or everything ends."""
        with self._changed:
            if self._is_closed or self._readers >= self._most:
                return False
            self._readers += 1
            if not self._is_looking:
                self._is_looking = True
                Thread(target=self._look, name="live", daemon=True).start()
            return True

    def _next(self, seen: int) -> int:
        """Return the number once it is another one than `seen`, or after a moment."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._number != seen, timeout=_BEAT_S)
            return self._number

    def close(self) -> None:
        """Let all readers go."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _look(self) -> None:
        """Look until nobody reads any more. A store that is away is a change, too: pages say so."""
        known: int | None = None
        waited_s = 0.0
        while True:
            try:
                found = self._desk.version()
            except HorariumError as error:
                log.debug("could not look for what has changed: %s", error)
                found = -1
            except Exception:
                if known != -1:
                    log.exception("could not look for what has changed", extra={"action": "look_failed"})
                found = -1
            with self._changed:
                if found != known or waited_s >= _BEAT_S:
                    known, waited_s = found, 0.0
                    self._number += 1
                    self._changed.notify_all()
                pause_s = max(self._look_s, self._look_s * self._readers / _READERS_PER_S)
                self._changed.wait_for(lambda: self._is_closed, timeout=pause_s)
                waited_s += pause_s
                if self._is_closed or not self._readers:
                    self._is_looking = False
                    return
