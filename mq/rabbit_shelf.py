"""Which messages came for a consumer and were not taken yet? In order, with a bell that can be waited on."""

from __future__ import annotations

import contextlib
import heapq
import os
from collections import Counter
from threading import Lock
from typing import NamedTuple


class Item(NamedTuple):
    """A message that lies here: what sorts it, and its text. `tag` is its number on the consumer's channel."""

    is_late: bool
    stamp: int
    tag: int
    queue: str
    body: str


class Shelf:
    """Filled by the thread of the connections, emptied by the consumer's. `bell` is readable while something lies here, or after `ring`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._items: list[Item] = []
        self.bell, self._hammer = os.pipe()
        self._is_rung = False

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: Item) -> None:
        """Lay down what came."""
        with self._lock:
            heapq.heappush(self._items, item)
            self._ring()

    def take(self, limit: int) -> list[Item]:
        """Return at most `limit`, urgent ones first, then the oldest."""
        with self._lock:
            taken = [heapq.heappop(self._items) for _ in range(min(limit, len(self._items)))]
            self._quiet()
            return taken

    def drain(self) -> list[Item]:
        """Return all there is."""
        with self._lock:
            items, self._items = sorted(self._items), []
            self._quiet()
            return items

    def drop(self, queue: str) -> list[Item]:
        """Return all there is of one queue."""
        with self._lock:
            dropped = [item for item in self._items if item.queue == queue]
            self._items = sorted(item for item in self._items if item.queue != queue)
            self._quiet()
            return dropped

    def counts(self) -> Counter[str]:
        """Return how many lie here, by queue."""
        with self._lock:
            return Counter(item.queue for item in self._items)

    def ring(self) -> None:
        """Make the bell readable until something is taken."""
        with self._lock:
            self._ring()

    def close(self) -> None:
        """Let go of the bell."""
        with self._lock:
            if self.bell >= 0:
                os.close(self.bell)
                os.close(self._hammer)
            self.bell = self._hammer = -1

    def _ring(self) -> None:
        if not self._is_rung and self._hammer >= 0:
            self._is_rung = True
            os.write(self._hammer, b"!")

    def _quiet(self) -> None:
        if self._is_rung and not self._items and self.bell >= 0:
            self._is_rung = False
            with contextlib.suppress(BlockingIOError):
                os.read(self.bell, 1)
