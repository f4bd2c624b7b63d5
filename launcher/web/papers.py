"""Where does mx keep what must outlast it: logins, tokens, answers that may be asked for again? In the store, as its papers."""

from __future__ import annotations

from datetime import datetime

from db.model_papers import Paper
from launcher.web.area import Area
from launcher.web.asked import asked


class PaperArea(Area):
    """Answers `mx.desk_papers.PaperDesk`."""

    @asked
    def paper(self, kind: str, key: str) -> Paper | None:
        """Return one paper."""
        return self.parts.store.paper(kind, key)

    @asked
    def papers(self, kind: str, after: str, limit: int) -> list[Paper]:
        """Return some papers by key."""
        return self.parts.store.papers(kind, after, limit)

    @asked
    def put_paper(self, paper: Paper) -> bool:
        """Write a paper where the one before it is still there."""
        return self.parts.store.put_paper(paper)

    @asked
    def drop_paper(self, kind: str, key: str, version: int) -> bool:
        """Remove a paper that is still the same."""
        return self.parts.store.drop_paper(kind, key, version)

    @asked
    def drop_papers(self, kind: str, before: datetime, limit: int) -> int:
        """Remove what is over."""
        return self.parts.store.drop_papers(kind, before, limit)
