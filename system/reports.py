"""What does a message on the queue of reports say? That units of work ended, or that there is something else to look at.

A report names as many units of work as were written at once: to a broker, ten messages cost ten times as much as one.
"""

from __future__ import annotations

from collections.abc import Sequence

MOST_NAMED = 64
# A session was closed, a command given, a turn inserted by somebody else.
_NEWS = ("session:", "command:", "turn:")


def reports_on(uow_ids: Sequence[str]) -> list[str]:
    """Return the texts that say that `uow_ids` ended."""
    return [" ".join(uow_ids[first : first + MOST_NAMED]) for first in range(0, len(uow_ids), MOST_NAMED)]


def named_in(text: str) -> list[str]:
    """Return the ids of units of work in a report; none where it tells other news."""
    return [] if is_news(text) else text.split()


def is_news(text: str) -> bool:
    """Return whether a report tells of something else than units of work."""
    return text.startswith(_NEWS)
