"""What does the page about the deployment ask, and what is shown where the context can't be read?"""

from __future__ import annotations

from typing import Protocol

from mx.models.about import About, BareStatus, Checkup


class AboutDesk(Protocol):
    """Questions about the deployment itself."""

    def about(self, *, is_admin: bool = False) -> About:
        """Return versions, settings, store and broker; what may hold a password for an admin alone."""
        ...

    def checkup(self) -> Checkup:
        """Return what the doctor found when it looked last. Never waits."""
        ...

    def look_again(self) -> Checkup:
        """Have the doctor look, unless it has just done so, and return what it found; it takes some seconds at the most."""
        ...

    def bare_status(self) -> BareStatus | None:
        """Return how all stands where the context can't be read; None where it can. Raises Unavailable where the store is away."""
        ...
