"""What does the page of boxes ask? How they stand, and what is wanted of them."""

from __future__ import annotations

from typing import Protocol

from mx.models.boxes import Boxes


class BoxesDesk(Protocol):
    """Questions about machines. What is changed is stored; a box's supervisor takes it up within a beat, or when it is started.

    Each change returns the number of the command that tells of it in the audit log. One that comes again from the same person with the same
    `token` is done once, and the number from before is returned.
    """

    def boxes(self, box: str = "") -> Boxes:
        """Return all boxes, or the one that is named; raises NotFound."""
        ...

    def start_on(self, box: str, process: str, who: str, why: str, *, instances: int = 0, token: str = "") -> int:
        """Have a process kept alive on a box, with so many instances; 0: as many as were wanted before. Raises NotFound."""
        ...

    def stop_on(self, box: str, process: str, who: str, why: str, *, token: str = "") -> int:
        """Have a process end on a box, and not started; raises NotFound."""
        ...

    def forget_box(self, box: str, who: str, why: str, *, token: str = "") -> int:
        """Forget a box that is gone; raises NotFound, or ConfigError where it is still there."""
        ...
