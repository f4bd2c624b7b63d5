"""What did the daemons of this box write? Files of one folder; the store is not asked, so they can be read when it is away."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from launcher.web.area import Area
from launcher.web.asked import asked
from launcher.web.log_files import Asked, files_in, part_of, text_of
from mx.models.logs import LogFiles, LogPart
from system.errors import HorariumError


class LogsArea(Area):
    """Answers `mx.desk_logs.LogsDesk`."""

    def logs(self) -> LogFiles:
        """Return the files there are."""
        settings = self.parts.roof.settings
        folder = settings.folder / "log"
        try:
            others = self._other_boxes()
        except HorariumError:
            others = ()
        return LogFiles(box=settings.box, folder=str(folder), files=tuple(files_in(folder)), boxes=others)

    def log_part(self, name: str, *, kilobytes: int = 64, level: str = "", words: str = "", lines: int = 500) -> LogPart:
        """Return the last lines of a file."""
        return part_of(self.parts.roof.settings.folder / "log", name, Asked(kilobytes, level, words, lines))

    def log_text(self, name: str) -> Iterator[str]:
        """Yield all of a file."""
        pieces = text_of(self.parts.roof.settings.folder / "log", name)
        first = next(pieces, "")  # so that what is not there is said before anything is sent
        return chain([first], pieces)

    @asked
    def _other_boxes(self) -> tuple[str, ...]:
        here = self.parts.roof.settings.box
        return tuple(dict.fromkeys(report.box for report in self.parts.store.box_reports() if report.box != here))
