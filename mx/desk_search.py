"""What does the search box ask?"""

from __future__ import annotations

from typing import Protocol

from mx.models.search import Found


class SearchDesk(Protocol):
    """Questions about what is called how."""

    def search(self, words: str, *, limit: int = 50) -> Found:
        """Return what `words` may mean; never raises for words that mean nothing."""
        ...
