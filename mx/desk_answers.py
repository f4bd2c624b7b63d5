"""What do pages ask after a command was given?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mx.models.answers import Answered


class AnswersDesk(Protocol):
    """What became of commands."""

    def answers(self, numbers: Sequence[int]) -> tuple[Answered, ...]:
        """Return those of the commands that there are, the first few of them."""
        ...
