"""What do the pages of queues ask? What waits, and what becomes of messages that were given up on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mx.models.queues import DeadLetters, QueueAnswer, QueueRow, Queues


class QueuesDesk(Protocol):
    """Questions about queues. No work is lost by what is done to messages: the scheduler sends anew what is still requested.

    What comes again from the same person with the same `token` is done once, and answered as before.
    """

    def queues(self, *, words: str = "", offset: int = 0, limit: int = 50, only_busy: bool = False) -> Queues:
        """Return queues whose names, or readers' names, hold `words`; `only_busy` keeps those that hold anything. Never waits for long."""
        ...

    def queue(self, name: str) -> QueueRow:
        """Return one queue; raises NotFound."""
        ...

    def dead_letters(self) -> DeadLetters:
        """Return the oldest messages that were given up on."""
        ...

    def requeue_dead(self, who: str, why: str, *, only: Sequence[str] | None = None, token: str = "") -> QueueAnswer:
        """Send those that are still due to their queues and drop the rest; `only` those of these bodies, where it is given."""
        ...

    def drop_dead(self, who: str, why: str, *, only: Sequence[str] | None = None, token: str = "") -> QueueAnswer:
        """Drop them, or only those of these bodies."""
        ...

    def purge_queue(self, name: str, who: str, why: str, *, token: str = "") -> QueueAnswer:
        """Drop what waits in a queue; raises NotFound."""
        ...
