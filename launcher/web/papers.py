"""Where does mx keep what must outlast it: logins, tokens, answers that may be asked for again? In the store, as its papers."""

from __future__ import annotations

from datetime import datetime

from db.model_papers import Paper
from launcher.web.area import Area


class PaperArea(Area):
    """Answers `mx.desk_papers.PaperDesk`, and the gate. The threads that serve ask it themselves: a login waits for no page.

    Every verb raises Unavailable while the store is not there.
    """

    def paper(self, kind: str, key: str) -> Paper | None:
        """Return one paper."""
        return self.parts.shared_store.paper(kind, key)

    def papers(self, kind: str, after: str, limit: int) -> list[Paper]:
        """Return some papers by key."""
        return self.parts.shared_store.papers(kind, after, limit)

    def put_paper(self, paper: Paper) -> bool:
        """Write a paper where the one before it is still there."""
        return self.parts.shared_store.put_paper(paper)

    def drop_paper(self, kind: str, key: str, version: int) -> bool:
        """Remove a paper that is still the same."""
        return self.parts.shared_store.drop_paper(kind, key, version)

    def drop_papers(self, kind: str, before: datetime, limit: int) -> int:
        """Remove what is over."""
        return self.parts.shared_store.drop_papers(kind, before, limit)
