"""Can the store be reached just now? What a supervisor's threads found of it, said once when it goes and once when it is back."""

from __future__ import annotations

import logging
from threading import Lock

from system.errors import HorariumError

log = logging.getLogger(__name__)


class Reach:
    """`trouble` is why the store can't be reached, empty while it can. May be called from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.trouble = ""

    def lose(self, error: HorariumError) -> None:
        """Note that a call failed."""
        with self._lock:
            is_news, self.trouble = not self.trouble, self.trouble or str(error) or type(error).__name__
        if is_news:
            text = "the store is away; nothing is started until it is back, who runs is kept: %s"
            log.warning(text, error, extra={"action": "store_away"})

    def find(self) -> None:
        """Note that a call was answered."""
        with self._lock:
            is_news, self.trouble = bool(self.trouble), ""
        if is_news:
            log.info("the store is back", extra={"action": "store_back"})
