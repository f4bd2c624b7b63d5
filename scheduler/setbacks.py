"""When does a leader whose turns fail, while its beats go on, let another one lead? Who only sees its beats would wait for ever. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from db.model import Session

MOST_FAILED = 5  # with the pauses between them this is a second and a half
GIVES_WAY_S = 2.0  # for so long it opens no session of its own then: a standby looks several times in that


def gives_way(failed_rounds: int, *, is_beating: bool, own: str, sessions: Iterable[Session]) -> bool:
    """Return whether session `own` is to be closed so that one of the others leads.

    Not where its beats fail too: then the store is away, for the others as well, or they find out by themselves. Nor where it is alone.
    """
    others = any(session.kind == "scheduler" and session.id != own for session in sessions)
    return failed_rounds >= MOST_FAILED and is_beating and others
