"""What do plans and commands ask, and how is a command given?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mx.models.commands import CommandPage, Progress
from mx.models.plans import Given, WhatIf


class CommandsDesk(Protocol):
    """What steers jobs, and what came of it."""

    def what_if(self, verb: str, processes: Sequence[str], timeperiod: str, until: str = "") -> WhatIf:
        """Return what a command, or one for each process, would touch now, without giving it.

        `timeperiod` is an id, or a place of the heat map (2013, 201311, 20131104, 2013110413); with `until` (an id or a place as well)
        it begins a range that ends before that. Raises NotFound or TimeperiodError.
        """
        ...

    def give(self, verb: str, processes: Sequence[str], timeperiod: str, who: str, why: str, *, until: str = "", token: str = "") -> Given:
        """Store what `what_if` showed as commands, one for each part that would do something, and return their numbers.

        Given again with the same `token` nothing is stored twice: the numbers from before are returned. Raises NotFound, TimeperiodError,
        or Refused where nothing would be done.
        """
        ...

    def what_is_left(self, number: int, verb: str) -> WhatIf:
        """Return what `verb` (hold or skip) would do to what a command's undertaking has not begun. Raises NotFound."""
        ...

    def give_left(self, number: int, verb: str, who: str, why: str, *, token: str = "") -> Given:
        """Store what `what_is_left` showed. Raises NotFound or Refused."""
        ...

    def commands(
        self, *, before: int = 0, who: str = "", verb: str = "", process: str = "", state: str = "", limit: int = 50
    ) -> CommandPage:
        """Return commands, the newest first: those before number `before` (0: from the last one), as far as the filters let them."""
        ...

    def progress(self, number: int, *, lines: int = 50) -> Progress:
        """Return a command with what came of it and of those that were given together with it. Raises NotFound."""
        ...
