"""How does the store in memory keep the records of boxes?"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

from db.model_boxes import BoxReport, BoxWish
from db.store import Store


class MemoryBoxes(Store):
    """What `MemoryStore` knows of boxes."""

    def __init__(self) -> None:
        super().__init__()
        self._box_lock = Lock()
        self._wishes: dict[tuple[str, str], BoxWish] = {}
        self._reports: dict[tuple[str, str], BoxReport] = {}

    def box_wishes(self) -> list[BoxWish]:
        """See Store."""
        with self._box_lock:
            return [self._wishes[key] for key in sorted(self._wishes)]

    def put_box_wishes(self, wishes: Sequence[BoxWish]) -> None:
        """See Store."""
        with self._box_lock:
            self._wishes.update({(wish.box, wish.process): wish for wish in wishes})

    def box_reports(self) -> list[BoxReport]:
        """See Store."""
        with self._box_lock:
            return [self._reports[key] for key in sorted(self._reports)]

    def put_box_reports(self, reports: Sequence[BoxReport]) -> None:
        """See Store."""
        with self._box_lock:
            self._reports.update({(report.box, report.process): report for report in reports})

    def drop_box(self, box: str, processes: Sequence[str]) -> None:
        """See Store."""
        with self._box_lock:
            for process in processes:
                self._wishes.pop((box, process), None)
                self._reports.pop((box, process), None)
