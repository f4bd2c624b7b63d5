"""How does a scheduler show that it is there? Beats from a thread that does nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread

from db.model import Session
from db.store import Store
from system.errors import HorariumError

log = logging.getLogger(__name__)


class Presence:
    """The session of a scheduler. `facts` is asked before each beat: it tells the age of the last turn, which is what health means.

    `beat_s` is asked for the time until the next beat. `is_beating`: the last beat got through.
    """

    def __init__(self, store: Store, session: Session, beat_s: Callable[[], float], facts: Callable[[], dict[str, str]]) -> None:
        self.session = session
        self._store = store
        self._beat_s = beat_s
        self._facts = facts
        self._stopped = Event()
        self._closed = Event()
        self.is_beating = True
        self._thread = Thread(target=self._run, name="beats", daemon=True)

    def open(self) -> None:
        """Open the session and begin to beat; raises Unavailable when the store is away."""
        self._store.open_session(self.session)
        self._thread.start()

    def is_closed(self) -> bool:
        """Return whether someone closed the session: it was taken for lost."""
        return self._closed.is_set()

    def close(self) -> None:
        """Stop beating and close the session, so that another scheduler leads at once."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        try:
            self._store.close_sessions([self.session.id])
        except HorariumError as error:
            log.warning("could not close session %s, its lease will run out: %s", self.session.id, error)

    def _run(self) -> None:
        while not self._stopped.wait(self._beat_s()):
            try:
                if not self._store.beat(self.session.id, self._facts()).is_open:
                    log.warning("session %s was closed by another", self.session.id)
                    self._closed.set()
                    return
                self.is_beating = True
            except HorariumError as error:
                self.is_beating = False
                log.warning("no beat for session %s: %s", self.session.id, error)
            except Exception:
                self.is_beating = False
                # The edge of this thread: a beat that fails must not end the beats.
                log.exception("no beat for session %s", self.session.id)
