"""How does the store in memory keep the papers of mx?"""

from __future__ import annotations

from datetime import datetime
from threading import Lock

from db.model_papers import Paper
from db.store import Store


class MemoryPapers(Store):
    """What `MemoryStore` knows of papers."""

    def __init__(self) -> None:
        super().__init__()
        self._paper_lock = Lock()
        self._papers: dict[tuple[str, str], Paper] = {}

    def paper(self, kind: str, key: str) -> Paper | None:
        """See Papers."""
        with self._paper_lock:
            return self._papers.get((kind, key))

    def papers(self, kind: str, after: str, limit: int) -> list[Paper]:
        """See Papers."""
        with self._paper_lock:
            found = [paper for paper in self._papers.values() if paper.kind == kind and paper.key.encode() > after.encode()]
        return sorted(found, key=lambda paper: paper.key.encode())[: max(0, limit)]

    def put_paper(self, paper: Paper) -> bool:
        """See Papers."""
        key = (paper.kind, paper.key)
        with self._paper_lock:
            stored = self._papers.get(key)
            if (stored.version if stored else 0) != paper.version - 1:
                return False
            self._papers[key] = paper
            return True

    def drop_paper(self, kind: str, key: str, version: int) -> bool:
        """See Papers."""
        with self._paper_lock:
            stored = self._papers.get((kind, key))
            if stored is None or stored.version != version:
                return False
            del self._papers[kind, key]
            return True

    def drop_papers(self, kind: str, before: datetime, limit: int) -> int:
        """See Papers."""
        with self._paper_lock:
            found = [p for p in self._papers.values() if p.kind == kind and p.until is not None and p.until < before][: max(0, limit)]
            for paper in found:
                del self._papers[paper.kind, paper.key]
            return len(found)
