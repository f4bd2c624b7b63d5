"""How does MongoDB keep the papers of mx? A document each, its `_id` made of kind and key."""

from __future__ import annotations

from datetime import datetime

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from db.documents import Row, moment_text
from db.model_papers import Paper
from db.mongo_client import Talk
from db.paper_documents import paper_row, row_paper
from db.store import Store


class MongoPapers(Store):
    """What `MongoStore` knows of papers."""

    _database: Database[Row]
    _talk: Talk

    def paper(self, kind: str, key: str) -> Paper | None:
        """See Papers."""
        with self._talk():
            found = self._database["papers"].find_one({"_id": _id(kind, key)})
        return row_paper(found) if found else None

    def papers(self, kind: str, after: str, limit: int) -> list[Paper]:
        """See Papers."""
        if limit < 1:  # to the driver, 0 is no limit
            return []
        # A kind holds no slash: `0` is the sign after it.
        wanted = {"_id": {"$gt": _id(kind, after), "$lt": f"{kind}0"}}
        with self._talk():
            found = list(self._database["papers"].find(wanted, sort=[("_id", 1)], limit=limit))
        return [row_paper(document) for document in found]

    def put_paper(self, paper: Paper) -> bool:
        """See Papers."""
        document = {"_id": _id(paper.kind, paper.key), **paper_row(paper)}
        collection = self._database["papers"]
        with self._talk():
            if paper.version > 1:
                return collection.replace_one({"_id": document["_id"], "version": paper.version - 1}, document).matched_count == 1
            try:
                collection.insert_one(document)
            except DuplicateKeyError:
                return False
            return True

    def drop_paper(self, kind: str, key: str, version: int) -> bool:
        """See Papers."""
        with self._talk():
            return self._database["papers"].delete_one({"_id": _id(kind, key), "version": version}).deleted_count == 1

    def drop_papers(self, kind: str, before: datetime, limit: int) -> int:
        """See Papers."""
        if limit < 1:
            return 0
        over = {"kind": kind, "until": {"$lt": moment_text(before)}}
        with self._talk():
            found = [document["_id"] for document in self._database["papers"].find(over, {"_id": 1}, limit=limit)]
            # Once more by its condition: it may have been written since.
            return self._database["papers"].delete_many({"_id": {"$in": found}, **over}).deleted_count if found else 0


def _id(kind: str, key: str) -> str:
    return f"{kind}/{key}"
