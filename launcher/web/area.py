"""What does each area of the dashboard's desk stand on? The parts, and the one thread that asks them."""

from __future__ import annotations

from datetime import datetime

from launcher.web.asked import Asker
from launcher.web.parts import WebParts


class Area:
    """A part of the dashboard's desk. Its public methods are answered by the asking thread: `@asked`."""

    def __init__(self, parts: WebParts) -> None:
        self.parts = parts

    @property
    def asker(self) -> Asker:
        """Who asks."""
        return self.parts.asker

    def now(self) -> datetime:
        """Return the deployment's time, in UTC. Never raises."""
        return self.parts.roof.clock.now()
