"""Whose are the queues? Worked out once for each context, since a large one leads to thousands of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from launcher.queue import queues_of
from system.context import Context


class Readers:
    """Remembers the queues of the context that was asked about last."""

    def __init__(self) -> None:
        self._of: Context | None = None
        self._found: Mapping[str, Sequence[str]] = {}

    def of(self, context: Context) -> Mapping[str, Sequence[str]]:
        """Return the queues that a context leads to, each with whom its messages are for."""
        if self._of is not context:
            self._of, self._found = context, queues_of(context)
        return self._found
