"""Whose presence has not been heard of for too long? A lease is an age on the observer's own clock, never an instant."""

from __future__ import annotations

from collections.abc import Iterable

from db.model import Session


class SessionWatch:
    """Remembers when each session's beat was first read as it still stands. Starts anew with each object and each `reset`."""

    def __init__(self, lease_s: float) -> None:
        self._lease_s = lease_s
        self._seen: dict[str, tuple[int, float]] = {}

    def observe(self, sessions: Iterable[Session], began_s: float, ended_s: float) -> dict[str, int]:
        """Return the sessions whose beat has stood still for the lease, with that beat. The reading went from `began_s` to `ended_s`.

        A reading may take longer than a lease, and what it brought may be as young as its end: so an age counts from the end of the
        first reading to the beginning of this one.
        """
        seen = {}
        for session in sessions:
            before = self._seen.get(session.id)
            seen[session.id] = before if before and before[0] == session.beat else (session.beat, ended_s)
        self._seen = seen
        return {name: beat for name, (beat, since) in seen.items() if began_s - since >= self._lease_s}

    def reset(self) -> None:
        """Count anew: a reading failed, so what was not seen can't be held against anyone."""
        self._seen = {}
