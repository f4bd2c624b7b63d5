"""How does MongoDB keep the records of boxes? A document for each (box, process), replaced whole."""

from __future__ import annotations

from collections.abc import Sequence

from pymongo import ReplaceOne
from pymongo.database import Database

from db.box_documents import Row, report_row, row_report, row_wish, wish_row
from db.model_boxes import BoxReport, BoxWish
from db.mongo_bulk import write
from db.mongo_client import Talk
from db.store import Store

_BY_KEY = [("box", 1), ("process", 1)]


class MongoBoxes(Store):
    """What `MongoStore` knows of boxes."""

    _database: Database[Row]
    _talk: Talk

    def box_wishes(self) -> list[BoxWish]:
        """See Store."""
        with self._talk():
            return [row_wish(document) for document in self._database["box_wishes"].find({}, sort=_BY_KEY)]

    def put_box_wishes(self, wishes: Sequence[BoxWish]) -> None:
        """See Store."""
        self._put("box_wishes", [wish_row(wish) for wish in wishes])

    def box_reports(self) -> list[BoxReport]:
        """See Store."""
        with self._talk():
            return [row_report(document) for document in self._database["box_reports"].find({}, sort=_BY_KEY)]

    def put_box_reports(self, reports: Sequence[BoxReport]) -> None:
        """See Store."""
        self._put("box_reports", [report_row(report) for report in reports])

    def drop_box(self, box: str, processes: Sequence[str]) -> None:
        """See Store."""
        wanted = {"_id": {"$in": [_id(box, process) for process in processes]}}
        with self._talk():
            self._database["box_wishes"].delete_many(wanted)
            self._database["box_reports"].delete_many(wanted)

    def _put(self, name: str, rows: Sequence[Row]) -> None:
        found = {_id(row["box"], row["process"]): row for row in rows}
        with self._talk():
            write(self._database[name], [ReplaceOne({"_id": key}, row, upsert=True) for key, row in found.items()])


def _id(box: str, process: str) -> str:
    return f"{box}/{process}"
