"""Up to which period is a process complete, and what is missing before the last one that is finished? Pure; the work is done by `bytes`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from scheduler.timetable import States, Timetable, id_of
from system.lifecycle import JOB_FINISHED

_OPEN, _DONE = b"\0", b"\1"
_FLAGS = bytes(1 if state in JOB_FINISHED else 0 for state in range(256))


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far a process is complete: through period `through`, empty where not even its first one is finished.

    `holes` are the gaps, each of one period or more, that finished periods come after; `first_hole` is where the first one begins.
    """

    process: str
    through: str
    holes: int = 0
    first_hole: str = ""


def watermark(states: States, now: datetime) -> Watermark:
    """Return how far a process is complete, over the periods that are due. A skipped one is finished."""
    due = states.due_end(now)
    flags = states.between(states.first, due).translate(_FLAGS) if due > states.first else b""
    first_open, last_done = flags.find(_OPEN), flags.rfind(_DONE)
    complete = len(flags) if first_open < 0 else first_open
    through = id_of(states.qualifier, states.first + complete - 1) if complete else ""
    if not 0 <= first_open < last_done:
        return Watermark(states.process.name, through)
    holes = flags.count(_DONE + _OPEN, 0, last_done) + flags.startswith(_OPEN)
    return Watermark(states.process.name, through, holes, id_of(states.qualifier, states.first + first_open))


class Watermarks:
    """The watermarks of all processes, counted anew only where one of its periods changed or became due since."""

    def __init__(self) -> None:
        self._of: Timetable | None = None
        self._known: dict[str, tuple[tuple[int, int], Watermark]] = {}

    def of(self, table: Timetable, now: datetime) -> list[Watermark]:
        """Return the watermark of every process, in the order of the context."""
        if table is not self._of:
            self._of, self._known = table, {}
        found = []
        for name, states in table.states.items():
            key = states.edits, states.due_end(now)
            if name not in self._known or self._known[name][0] != key:
                self._known[name] = key, watermark(states, now)
            found.append(self._known[name][1])
        return found
