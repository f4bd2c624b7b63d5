"""How does a pass go through a table a little at a time? By an order that is there, so that nobody pays for an index more."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa


class Walk:
    """Passes through a table that pick the old rows.

    In SQLite by the order in which the rows lie; a server's rows have no such place that stays, so there it goes by their key.
    """

    def __init__(self, table: sa.Table, is_old: sa.ColumnElement[bool]) -> None:
        self.columns = table.c.keys()
        self._table = table
        self._is_old = is_old

    def page(self, conn: sa.Connection, before: str, after: str, limit: int) -> tuple[Sequence[sa.Row[Any]], str]:
        """Return the old ones of the `limit` rows after a place, and the place to go on from, '' at the end."""
        order = self._order(conn.dialect)
        beyond = _beyond_at_once if conn.dialect.name == "postgresql" else _beyond
        start = [beyond(order, json.loads(after))] if after else []
        end = conn.execute(sa.select(*order).where(*start).order_by(*order).offset(limit - 1).limit(1)).first()
        until = [sa.not_(beyond(order, list(end)))] if end else []
        rows = conn.execute(sa.select(self._table).where(*start, *until, self._is_old), {"before": before}).all()
        return rows, json.dumps(list(end)) if end else ""

    def _order(self, dialect: sa.Dialect) -> list[sa.ColumnElement[Any]]:
        if dialect.name == "sqlite":
            return [sa.column("rowid", sa.Integer, _selectable=self._table)]
        return list(self._table.primary_key)


def _beyond(order: Sequence[sa.ColumnElement[Any]], place: Sequence[Any]) -> sa.ColumnElement[bool]:
    """Return what holds after a place. Written out, as MariaDB and MySQL find their way by it, and not by `(a, b) > (1, 2)`."""
    column, value = order[0], place[0]
    after: sa.ColumnElement[bool] = column > value
    return after if len(order) == 1 else sa.or_(after, sa.and_(column == value, _beyond(order[1:], place[1:])))


def _beyond_at_once(order: Sequence[sa.ColumnElement[Any]], place: Sequence[Any]) -> sa.ColumnElement[bool]:
    """Return the same as PostgreSQL finds its way by: what is written out has it read the whole index up to the place."""
    return sa.tuple_(*order) > sa.tuple_(*(sa.literal(value, column.type) for column, value in zip(order, place, strict=True)))
