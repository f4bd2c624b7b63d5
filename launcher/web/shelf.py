"""Where does the gate keep accounts and logins? In the store, once it is there; asked by the threads that serve, beside the asking one."""

from __future__ import annotations

from datetime import datetime

from db.model_papers import Paper
from launcher.web.parts import WebParts


class LateShelf:
    """The papers of a store that may be away at first; every verb raises Unavailable then."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts

    def paper(self, kind: str, key: str) -> Paper | None:
        """Return one paper."""
        return self._parts.shared_store.paper(kind, key)

    def papers(self, kind: str, after: str, limit: int) -> list[Paper]:
        """Return some papers by key."""
        return self._parts.shared_store.papers(kind, after, limit)

    def put_paper(self, paper: Paper) -> bool:
        """Write a paper where the one before it is still there."""
        return self._parts.shared_store.put_paper(paper)

    def drop_paper(self, kind: str, key: str, version: int) -> bool:
        """Remove a paper that is still the same."""
        return self._parts.shared_store.drop_paper(kind, key, version)

    def drop_papers(self, kind: str, before: datetime, limit: int) -> int:
        """Remove what is over."""
        return self._parts.shared_store.drop_papers(kind, before, limit)
