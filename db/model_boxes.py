"""Which records does the store hold of boxes: what operators want of them, and what their supervisors say of them?

They are kept apart, so that neither overwrites the other. Both are unique by (box, process).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class BoxWish:
    """What an operator wants of one process on one box. `instances` 0: as many as the box has by itself. Who, why and when go with it."""

    box: str
    process: str
    is_on: bool = True
    instances: int = 0
    who: str = ""
    why: str = ""
    given_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BoxChild:
    """One instance as its supervisor sees it. `pid` 0: it does not run.

    `created_s` is its creation in seconds since the machine started. `cpu` is the share of one CPU that it and all below it used
    lately, `memory_bytes` what they hold. `deaths` counts those in a row that came soon after a start. `trouble` is a sentence, or empty.
    """

    name: str
    pid: int = 0
    created_s: float = 0.0
    cpu: float = 0.0
    memory_bytes: int = 0
    deaths: int = 0
    is_crash_loop: bool = False
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class BoxReport:
    """What the supervisor of a box says of one process. `instances` is how many the box has by itself, 0 where it is not placed there.

    `told_at` is by the box's own clock: to be shown, never to be compared. `session` is the supervisor's, empty where none has run yet.
    """

    box: str
    process: str
    instances: int
    told_at: datetime
    session: str = ""
    children: tuple[BoxChild, ...] = ()
