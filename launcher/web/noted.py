"""How does an action that no scheduler carries out get into the audit log? As a command that was answered before it was stored."""

from __future__ import annotations

import logging
from dataclasses import replace

from db.model import Command, CommandState
from db.store import Store

log = logging.getLogger(__name__)


def note(store: Store, done: Command) -> int:
    """Store what was done, and return the command's number. Its `process` may be a queue, its `timeperiod` a box."""
    log.info("%s %s: %s", done.verb, done.process, done.answer, extra={"action": "operator", "who": done.who, "why": done.why})
    return store.add_command(replace(done, state=CommandState.DONE))
