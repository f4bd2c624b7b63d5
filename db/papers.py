"""What does mx ask of a store, so that several of them share accounts, tokens and logins? Part of the port `Store`.

A writing is conditional on the one before it, so of two who read the same and write, one is told to read again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime

from db.model_papers import Paper


class Papers(ABC):
    """Texts by kind and key, each written whole and in one atomic step."""

    @abstractmethod
    def paper(self, kind: str, key: str) -> Paper | None:
        """Return one paper, None where there is none."""

    @abstractmethod
    def papers(self, kind: str, after: str, limit: int) -> list[Paper]:
        """Return at most `limit` papers of a kind whose key is higher than `after`, by key (as bytes)."""

    @abstractmethod
    def put_paper(self, paper: Paper) -> bool:
        """Write `paper` where the stored one's version is one lower, or, for version 1, where there is none. Durable on return.

        Returns False, and changes nothing, where that is not so.
        """

    @abstractmethod
    def drop_paper(self, kind: str, key: str, version: int) -> bool:
        """Remove a paper whose version still is this one; returns whether it was removed by this call. Durable on return."""

    @abstractmethod
    def drop_papers(self, kind: str, before: datetime, limit: int) -> int:
        """Remove at most `limit` papers of a kind whose `until` is before that; returns how many that were."""
