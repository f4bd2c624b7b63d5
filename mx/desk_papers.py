"""What does mx ask of a place for what must outlast it: logins, tokens, answers? `db/papers.py` says the rest."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from db.model_papers import Paper


class PaperDesk(Protocol):
    """Texts by kind and key, each written whole and in one atomic step."""

    def paper(self, kind: str, key: str) -> Paper | None:
        """Return one paper, None where there is none."""
        ...

    def papers(self, kind: str, after: str, limit: int) -> list[Paper]:
        """Return at most `limit` papers of a kind whose key is higher than `after`, by key."""
        ...

    def put_paper(self, paper: Paper) -> bool:
        """Write a paper where the one before it is still there; returns whether it was written."""
        ...

    def drop_paper(self, kind: str, key: str, version: int) -> bool:
        """Remove a paper that is still the same; returns whether it was removed by this call."""
        ...

    def drop_papers(self, kind: str, before: datetime, limit: int) -> int:
        """Remove at most `limit` papers of a kind whose `until` is before that; returns how many that were."""
        ...
