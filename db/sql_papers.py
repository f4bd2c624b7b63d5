"""How does SQL keep the papers of mx? A row each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from db.documents import moment_text
from db.model_papers import Paper
from db.paper_documents import paper_row, row_paper
from db.sql_dialect import insert_absent
from db.sql_schema import papers
from db.store import Store
from system.sqldatabase import Database
from system.sqlmany import Many

_THIS = (papers.c.kind == sa.bindparam("of"), papers.c.key == sa.bindparam("name"))
_READ = sa.select(papers).where(*_THIS)
_LIST = (
    sa.select(papers)
    .where(papers.c.kind == sa.bindparam("of"), papers.c.key > sa.bindparam("after"))
    .order_by(papers.c.key)
    .limit(sa.bindparam("most"))
)
_INSERT = insert_absent(papers)
_REPLACE = (
    sa.update(papers)
    .where(*_THIS, papers.c.version == sa.bindparam("before"))
    .values(version=sa.bindparam("number"), text=sa.bindparam("said"), until=sa.bindparam("end"))
)
_DROP = sa.delete(papers).where(*_THIS, papers.c.version == sa.bindparam("before"))
_OVER = (
    sa.select(papers.c.kind, papers.c.key, papers.c.version)
    .where(papers.c.kind == sa.bindparam("of"), papers.c.until < sa.bindparam("end"))
    .limit(sa.bindparam("most"))
)
_DROP_MANY = Many(_DROP, ("of", "name", "before"))


class SqlPapers(Store):
    """What `SqlStore` knows of papers."""

    database: Database

    def paper(self, kind: str, key: str) -> Paper | None:
        """See Papers."""
        row = self.database.read(lambda conn: conn.execute(_READ, {"of": kind, "name": key}).first())
        return None if row is None else row_paper(_named(row))

    def papers(self, kind: str, after: str, limit: int) -> list[Paper]:
        """See Papers."""
        wanted = {"of": kind, "after": after, "most": max(0, limit)}
        return [row_paper(_named(row)) for row in self.database.read(lambda conn: conn.execute(_LIST, wanted).all())]

    def put_paper(self, paper: Paper) -> bool:
        """See Papers."""
        row = paper_row(paper)
        if paper.version == 1:
            return self.database.write(lambda conn: _INSERT(conn, [tuple(row.values())])) == 1
        change = {
            "of": row["kind"], "name": row["key"], "before": paper.version - 1,
            "number": paper.version, "said": row["text"], "end": row["until"],
        }  # fmt: skip
        return self.database.write(lambda conn: conn.execute(_REPLACE, change).rowcount) == 1

    def drop_paper(self, kind: str, key: str, version: int) -> bool:
        """See Papers."""
        return self.database.write(lambda conn: conn.execute(_DROP, {"of": kind, "name": key, "before": version}).rowcount) == 1

    def drop_papers(self, kind: str, before: datetime, limit: int) -> int:
        """See Papers."""
        wanted = {"of": kind, "end": moment_text(before), "most": max(0, limit)}

        def drop(conn: sa.Connection) -> int:
            found = [tuple(row) for row in conn.execute(_OVER, wanted).all()]
            return _DROP_MANY(conn, found)

        return self.database.write(drop, durable=False)


def _named(row: sa.Row[Any]) -> Mapping[str, Any]:
    return dict(zip(papers.c.keys(), row, strict=True))
