"""Is this worker present in the store, and until when may its attempts run? Its session, its beats, and what they bring back.

A session stands OPEN from being stored until its time is over (EXPIRED: no good beat came back in time, the slots have ended
themselves), or until the store says that it was closed (LOST). The work thread opens, closes and forgets; the beat thread beats.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from enum import Enum
from threading import Lock

from db.model import Session
from db.store import Store
from system.clock import Clock
from system.errors import Unavailable
from workers.policy import WorkerSettings
from workers.slots import Slots

log = logging.getLogger(__name__)


class Standing(Enum):
    """How a worker stands with the store."""

    NONE = "no session"
    OPEN = "open"
    EXPIRED = "no beat came back in time"
    LOST = "closed by someone else"


class Presence:
    """One worker's session. May be called from any thread.

    `template` says who the worker is; each session takes its id from `new_id`, since an id is used once.
    """

    def __init__(
        self, store: Store, clock: Clock, slots: Slots, template: Session, settings: WorkerSettings, new_id: Callable[[], str]
    ) -> None:
        self._store = store
        self._clock = clock
        self._slots = slots
        self._template = template
        self._settings = settings
        self._new_id = new_id
        self._lock = Lock()
        self._session = ""
        self._standing = Standing.NONE
        self._until_s = 0.0
        self._next_beat_s = 0.0
        self._facts: dict[str, str] = {}
        self._remarks: dict[str, str] = {}
        self._cancels: dict[str, None] = {}

    @property
    def session(self) -> str:
        """The id of the session, empty where there is none."""
        with self._lock:
            return self._session

    @property
    def standing(self) -> Standing:
        """How the worker stands now; an open session whose time is over is EXPIRED from here on."""
        with self._lock:
            return self._look()

    def safe_s(self) -> float:
        """Return for how many seconds attempts may run on if no beat comes back; 0 where nothing may run."""
        with self._lock:
            return self._until_s - self._clock.monotonic() if self._look() is Standing.OPEN else 0.0

    def cancels(self) -> list[str]:
        """Return the claims that beats said are to end, since the last call. The next beat names them again while they run."""
        with self._lock:
            found, self._cancels = list(self._cancels), {}
            return found

    def has_news(self) -> bool:
        """Return whether a beat brought something that the work thread should look at."""
        with self._lock:
            return bool(self._cancels) or self._look() in (Standing.EXPIRED, Standing.LOST)

    def tell(self, facts: dict[str, str]) -> None:
        """Set what the next beats tell of the worker."""
        with self._lock:
            self._facts = facts

    def remark(self, facts: dict[str, str]) -> None:
        """Set what the next beats tell beside that, whoever works."""
        with self._lock:
            self._remarks = facts

    def open(self, now: datetime) -> None:
        """Open a new session and let the slots live. Only after what ran under the one before has ended; raises Unavailable."""
        session = replace(self._template, id=self._new_id(), opened_at=now)
        sent_s = self._clock.monotonic()
        self._store.open_session(session)
        with self._lock:
            self._session, self._standing, self._cancels = session.id, Standing.OPEN, {}
            self._until_s = sent_s + self._settings.safe_s
            self._next_beat_s = sent_s + self._settings.beat_s
            self._slots.extend(self._until_s)
        log.info("opened session %s", session.id, extra={"action": "session_opened", "session": session.id})

    def close(self) -> str:
        """Close the session, in the store too, and return its id. Only when nothing runs any more; raises Unavailable."""
        with self._lock:
            session = self._session
            if self._standing is Standing.OPEN:
                self._standing = Standing.EXPIRED  # from here on no beat goes out, and the answer of one under way is not for us
        if session:
            self._store.close_sessions([session])
            log.info("closed session %s", session, extra={"action": "session_closed", "session": session})
        self.forget()
        return session

    def give_up(self) -> None:
        """Let the session's time be over now: what runs is to be ended, and the session to be closed."""
        with self._lock:
            if self._look() is Standing.OPEN:
                self._standing = Standing.EXPIRED
                log.warning("giving up session %s", self._session, extra={"action": "session_given_up", "session": self._session})

    def forget(self) -> None:
        """Drop a session that the store has closed."""
        with self._lock:
            self._session, self._standing, self._cancels = "", Standing.NONE, {}

    def turn(self, now: datetime) -> float:
        """Beat if a beat is due; returns the seconds until the next one is."""
        with self._lock:
            wait_s = self._next_beat_s - self._clock.monotonic()
            if self._look() is not Standing.OPEN:
                return self._settings.beat_s / 2  # so that a session opened meanwhile gets its first beat in time
        if wait_s > 0:
            return wait_s
        self.beat(now)
        with self._lock:
            return max(0.0, self._next_beat_s - self._clock.monotonic())

    def beat(self, now: datetime) -> None:
        """Send one beat. A good one lengthens the slots' lives, counted from when it was sent; a failed one changes nothing."""
        with self._lock:
            if self._look() is not Standing.OPEN:
                return
            session, facts = self._session, {**self._template.facts, **self._facts, **self._remarks, "beat_at": now.isoformat()}
            sent_s = self._clock.monotonic()
            self._next_beat_s = sent_s + self._settings.beat_s
        try:
            answer = self._store.beat(session, facts)
        except Unavailable as error:
            log.warning("session %s could not beat: %s", session, error, extra={"action": "beat_failed", "session": session})
            return
        with self._lock:
            if session != self._session or self._standing is not Standing.OPEN:
                return
            if answer.is_open:
                self._extend(sent_s)
                self._cancels.update(dict.fromkeys(answer.cancels))
                return
            self._standing = Standing.LOST
        log.warning("session %s was closed by someone else", session, extra={"action": "session_lost", "session": session})
        self._slots.end_all("the worker's session was closed")

    def _extend(self, sent_s: float) -> None:
        if self._look() is Standing.EXPIRED:
            return
        before_s, self._until_s = self._until_s, sent_s + self._settings.safe_s
        self._slots.extend(self._until_s)
        if self._clock.monotonic() >= before_s:
            # The slots may have ended themselves in between: then their ends are losses, and only an expired session says so.
            self._expire()

    def _look(self) -> Standing:
        if self._standing is Standing.OPEN and self._clock.monotonic() >= self._until_s:
            self._expire()
        return self._standing

    def _expire(self) -> None:
        self._standing = Standing.EXPIRED
        log.warning(
            "session %s: no beat came back within %s s; its attempts were ended", self._session, self._settings.safe_s,
            extra={"action": "session_expired", "session": self._session},
        )
