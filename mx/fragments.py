"""How do many readers of the same page cost no more than one? The part that changes is rendered once a moment for all of them.

So what is kept here must hold nothing of one visitor: CSRF fields are filled in later, by the gate.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from copy import copy
from dataclasses import dataclass, field
from threading import Lock

from system.errors import Unavailable

HEADER = "X-Fragment"
_MOST = 256  # views kept; each at most as large as a page


@dataclass
class _Kept:
    """What was rendered last for a view, and until when, or that the store was away. Who holds the lock renders; the others wait for it."""

    lock: Lock = field(default_factory=Lock)
    begun: int = 0  # how often it was rendered
    body: str | None = None
    away: Unavailable | None = None
    at_s: float = 0.0


class Fragments:
    """Keeps what was rendered for `fresh_s`. `monotonic` gives seconds."""

    def __init__(self, monotonic: Callable[[], float], *, fresh_s: float = 0.8) -> None:
        self._monotonic, self._fresh_s = monotonic, fresh_s
        self._lock = Lock()
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()

    def get(self, key: Hashable, render: Callable[[], str]) -> str:
        """Return what `render` made for `key` a moment ago, else what it makes now.

        What it raises is kept for nobody who asks later. That the store is away is told to all who wait already: each would wait as long.
        """
        with self._lock:
            kept = self._kept.setdefault(key, _Kept())
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        begun = kept.begun
        with kept.lock:
            is_of_now = kept.begun > begun and (kept.body is not None or kept.away is not None)
            if not is_of_now and (kept.body is None or self._monotonic() - kept.at_s > self._fresh_s):
                self._render(kept, render)
            if kept.away is not None:
                raise copy(kept.away)
            assert kept.body is not None
            return kept.body

    def _render(self, kept: _Kept, render: Callable[[], str]) -> None:
        kept.begun, kept.body, kept.away = kept.begun + 1, None, None
        try:
            kept.body = render()
        except Unavailable as error:
            kept.away = copy(error)  # without the frames that it came from
        kept.at_s = self._monotonic()
