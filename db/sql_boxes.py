"""How does SQL keep the records of boxes? Few rows, each written whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from db.box_documents import report_row, row_report, row_wish, wish_row
from db.model_boxes import BoxReport, BoxWish
from db.sql_dialect import insert_or_replace
from db.sql_schema import box_reports, box_wishes
from db.store import Store
from system.sqldatabase import Database
from system.sqlmany import Many

_PUT_WISHES = insert_or_replace(box_wishes)
_PUT_REPORTS = insert_or_replace(box_reports)
_WISHES = sa.select(box_wishes).order_by(box_wishes.c.box, box_wishes.c.process)
_REPORTS = sa.select(box_reports).order_by(box_reports.c.box, box_reports.c.process)
_DROPS = tuple(
    Many(sa.delete(table).where(table.c.box == sa.bindparam("of"), table.c.process == sa.bindparam("name")), ("of", "name"))
    for table in (box_wishes, box_reports)
)


class SqlBoxes(Store):
    """What `SqlStore` knows of boxes."""

    database: Database

    def box_wishes(self) -> list[BoxWish]:
        """See Store."""
        return [row_wish(row) for row in self._rows(_WISHES)]

    def put_box_wishes(self, wishes: Sequence[BoxWish]) -> None:
        """See Store."""
        rows = [tuple(wish_row(wish).values()) for wish in wishes]
        self.database.write(lambda conn: _PUT_WISHES(conn, rows))

    def box_reports(self) -> list[BoxReport]:
        """See Store."""
        return [row_report(row) for row in self._rows(_REPORTS)]

    def put_box_reports(self, reports: Sequence[BoxReport]) -> None:
        """See Store."""
        rows = [tuple(report_row(report).values()) for report in reports]
        self.database.write(lambda conn: _PUT_REPORTS(conn, rows), durable=False)

    def drop_box(self, box: str, processes: Sequence[str]) -> None:
        """See Store."""
        keys = [(box, process) for process in processes]
        self.database.write(lambda conn: [drop(conn, keys) for drop in _DROPS])

    def _rows(self, statement: sa.Select[Any]) -> list[Mapping[str, Any]]:
        rows = self.database.read(lambda conn: conn.execute(statement).all())
        names = statement.selected_columns.keys()
        return [dict(zip(names, row, strict=True)) for row in rows]
