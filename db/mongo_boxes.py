"""How does MongoDB keep the records of boxes? A document for each (box, process), replaced whole."""

from __future__ import annotations

from collections.abc import Sequence

from pymongo import ReplaceOne
from pymongo.collection import Collection
from pymongo.database import Database

from db.box_documents import Row, report_row, row_report, row_wish, wish_row
from db.model_boxes import BoxReport, BoxWish
from db.mongo_errors import translating
from db.store import Store

_BY_KEY = [("box", 1), ("process", 1)]


class MongoBoxes(Store):
    """What `MongoStore` knows of boxes."""

    _database: Database[Row]

    def box_wishes(self) -> list[BoxWish]:
        """See Store."""
        with translating():
            return [row_wish(document) for document in self._database["box_wishes"].find({}, sort=_BY_KEY)]

    def put_box_wishes(self, wishes: Sequence[BoxWish]) -> None:
        """See Store."""
        _put(self._database["box_wishes"], [wish_row(wish) for wish in wishes])

    def box_reports(self) -> list[BoxReport]:
        """See Store."""
        with translating():
            return [row_report(document) for document in self._database["box_reports"].find({}, sort=_BY_KEY)]

    def put_box_reports(self, reports: Sequence[BoxReport]) -> None:
        """See Store."""
        _put(self._database["box_reports"], [report_row(report) for report in reports])

    def drop_box(self, box: str, processes: Sequence[str]) -> None:
        """See Store."""
        wanted = {"_id": {"$in": [_id(box, process) for process in processes]}}
        with translating():
            self._database["box_wishes"].delete_many(wanted)
            self._database["box_reports"].delete_many(wanted)


def _put(collection: Collection[Row], rows: Sequence[Row]) -> None:
    found = {_id(row["box"], row["process"]): row for row in rows}
    if found:
        with translating():
            collection.bulk_write([ReplaceOne({"_id": key}, row, upsert=True) for key, row in found.items()], ordered=False)


def _id(box: str, process: str) -> str:
    return f"{box}/{process}"
