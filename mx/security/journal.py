"""What happened to accounts, tokens and logins? Logged, and kept where an admin sees it; bounded, so no stranger fills the store."""

from __future__ import annotations

import itertools
import logging
import secrets
from datetime import datetime

from mx.security.drawers import Drawer, Shelf
from mx.security.records import SecurityEvent

log = logging.getLogger(__name__)

# Kept apart: however many logins fail, what was done to accounts is not pushed out.
FAILED = "login failed"
_MOST_FAILED, _MOST = 1_000, 5_000
_CLEAN_EVERY = 50
_FAR = 253_402_300_800_000_000  # the year 10000 in microseconds


class Journal:
    """The events, latest first: their keys count down."""

    def __init__(self, shelf: Shelf) -> None:
        self._done = Drawer(shelf, "event", SecurityEvent)
        self._failed = Drawer(shelf, "failed", SecurityEvent)
        self._written = itertools.count(1)

    def write(self, event: SecurityEvent) -> None:
        """Log an event and keep it."""
        is_strange = event.what == FAILED
        level = logging.WARNING if is_strange else logging.INFO
        whom, place = event.whom or event.who, event.address or "this machine"
        facts = {"action": "security", "what": event.what, "who": event.who, "whom": event.whom, "address": event.address}
        log.log(level, "%s: %s by %s from %s%s", event.what, whom, event.who, place, f": {event.text}" if event.text else "", extra=facts)
        drawer, most = (self._failed, _MOST_FAILED) if is_strange else (self._done, _MOST)
        drawer.add(_key(event.at), event)
        if next(self._written) % _CLEAN_EVERY == 0:
            for kept in itertools.islice(drawer.all(), most, None):
                drawer.drop_kept(kept)

    def latest(self, limit: int) -> list[SecurityEvent]:
        """Return the latest events of both kinds, the last one first."""
        found = [kept.record for drawer in (self._done, self._failed) for kept in drawer.some(limit)]
        return sorted(found, key=lambda event: event.at, reverse=True)[:limit]


def _key(at: datetime) -> str:
    micros = int(at.timestamp() * 1_000_000)
    return f"{_FAR - micros:018d}-{secrets.token_hex(3)}"
