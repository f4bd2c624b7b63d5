"""Which words differ between SQL databases? Each difference is one function here; everything else is plain SQLAlchemy."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from system.sqlfile import Many


def insert_absent(table: sa.Table) -> Many:
    """Return the insert of rows whose key is not there yet; the others stay as they are."""
    return Many(sqlite.insert(table).on_conflict_do_nothing(), table.c.keys())


def insert_newer(table: sa.Table) -> Many:
    """Return the insert of rows that replaces a row of an older `turn`, and leaves one of the same or a newer turn."""
    insert = sqlite.insert(table)
    return Many(_replacing(table, insert, where=table.c.turn < insert.excluded.turn), table.c.keys())


def insert_or_replace(table: sa.Table) -> Many:
    """Return the insert of rows that replaces what has the same key."""
    return Many(_replacing(table, sqlite.insert(table), where=None), table.c.keys())


def _replacing(table: sa.Table, insert: Any, where: Any) -> Any:
    values = {column.name: insert.excluded[column.name] for column in table.c if not column.primary_key}
    return insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=values, where=where)


def locked(select: sa.Select[Any]) -> sa.Select[Any]:
    """Return `select` so that nobody else changes the rows it finds before the transaction ends.

    With a conditional update after it, this names the winners on every database; UPDATE .. RETURNING is not known to all. SQLite
    needs no word for it: its write transactions are alone.
    """
    return select.with_for_update()


def place_of(table: sa.Table) -> sa.ColumnElement[int]:
    """Return what numbers the rows of a table by when they came; by it a walk goes through the file from front to back."""
    return sa.column("rowid", sa.Integer, _selectable=table)


def raise_floor(table: sa.Table) -> Many:
    """Return the insert of rows that raises each of a row's numbers, where the one that is there is lower."""
    insert = sqlite.insert(table)
    values = {c.name: sa.func.max(c, insert.excluded[c.name]) for c in table.c if not c.primary_key}
    return Many(insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=values), table.c.keys())
