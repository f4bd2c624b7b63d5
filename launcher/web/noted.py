"""How does an action that no scheduler carries out get into the audit log? As a command that was answered before it was stored."""

from __future__ import annotations

import logging
from datetime import datetime

from db.model import Command, CommandState
from db.store import Store

log = logging.getLogger(__name__)


def note(store: Store, verb: str, what: str, who: str, why: str, answer: str, at: datetime, *, where: str = "") -> int:
    """Store what was done, by whom and why, and return the command's number. `what` is a process or a queue, `where` a box."""
    log.info("%s %s: %s", verb, what, answer, extra={"action": "operator", "who": who, "why": why})
    return store.add_command(Command(verb, what, where, who, why, at, state=CommandState.DONE, answer=answer))
