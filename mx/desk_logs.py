"""What do the pages of logs ask? Files of this box, and the ends of them. Needs no store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from mx.models.logs import LogFiles, LogPart


class LogsDesk(Protocol):
    """Questions about the logs of the box that serves the dashboard. No name leads out of their folder."""

    def logs(self) -> LogFiles:
        """Return the files there are, current ones first."""
        ...

    def log_part(self, name: str, *, kilobytes: int = 64, level: str = "", words: str = "", lines: int = 500) -> LogPart:
        """Return the last lines among the last kilobytes of a file, those from `level` on that hold `words`; raises NotFound.

        What belongs to a line (a traceback) stays with it.
        """
        ...

    def log_text(self, name: str) -> Iterator[str]:
        """Yield all of a file, with passwords hidden; raises NotFound at once."""
        ...
