"""How do many readers of the same page cost no more than one? The part that changes is rendered once a moment for all of them.

So what is kept here must hold nothing of one visitor: CSRF fields are filled in later, by the gate.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock

HEADER = "X-Fragment"
_MOST = 256  # views kept; each at most as large as a page


@dataclass
class _Kept:
    """What was rendered last for a view, and when. Who holds the lock renders; the others wait for it."""

    lock: Lock = field(default_factory=Lock)
    body: str | None = None
    at_s: float = 0.0


class Fragments:
    """Keeps what was rendered for `fresh_s`. `monotonic` gives seconds."""

    def __init__(self, monotonic: Callable[[], float], *, fresh_s: float = 0.8) -> None:
        self._monotonic, self._fresh_s = monotonic, fresh_s
        self._lock = Lock()
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()

    def get(self, key: Hashable, render: Callable[[], str]) -> str:
        """Return what `render` made for `key` a moment ago, else what it makes now. What it raises is kept by nobody."""
        with self._lock:
            kept = self._kept.setdefault(key, _Kept())
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        with kept.lock:
            now_s = self._monotonic()
            if kept.body is None or now_s - kept.at_s > self._fresh_s:
                kept.body, kept.at_s = render(), now_s
            return kept.body
