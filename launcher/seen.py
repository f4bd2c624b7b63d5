"""What does `launch.py status` show, wherever it comes from?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from launcher.boxes import BoxRow
from scheduler.health import Health
from scheduler.lateness import Late
from scheduler.levels import Level, Progress
from scheduler.overview import Overview
from scheduler.switches import Standing


@dataclass(frozen=True)
class Seen:
    """How all stands, at one moment."""

    health: Health
    progress: Progress
    levels: Sequence[Level]
    late: Sequence[Late]
    standings: Sequence[Standing]
    open_commands: int
    overview: Overview
    boxes: Sequence[BoxRow]
