"""Which words differ between SQL databases? Each difference is one function here; everything else is plain SQLAlchemy.

SQLAlchemy's packages of dialects are read late, each where a database is of that kind: all three, with the drivers that they look for,
would take a quarter of what a start reads for its store.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from system.sqlmany import Many

# One server and its offspring.
MYSQLS = ("mysql", "mariadb")
# Those whose indexes may have a condition.
PARTIAL = ("sqlite", "postgresql")


# -- types: texts are compared byte by byte everywhere, so ids have one order, and neither case nor trailing spaces are lost


class _ExactText(sa.Text):
    """A long text of MySQL or MariaDB."""


class _ExactKey(sa.String):
    """A text of MySQL or MariaDB that can stand in an index."""


class _LongBlob(sa.LargeBinary):
    """Long bytes of MySQL or MariaDB."""


@compiles(_LongBlob)
def _long_blob(_: _LongBlob, __: Any, **___: Any) -> str:
    return "LONGBLOB"


@compiles(_ExactText)
def _exact_text(_: _ExactText, compiler: Any, **__: Any) -> str:
    return f"LONGTEXT {_bytewise(compiler.dialect)}"


@compiles(_ExactKey)
def _exact_key(kind: _ExactKey, compiler: Any, **_: Any) -> str:
    return f"VARCHAR({kind.length}) {_bytewise(compiler.dialect)}"


def _bytewise(dialect: Any) -> str:
    # `utf8mb4_bin` exists on both, but takes 'a' and 'a ' for the same key.
    return f"CHARACTER SET utf8mb4 COLLATE {'utf8mb4_nopad_bin' if dialect.is_mariadb else 'utf8mb4_0900_bin'}"


def text(length: int | None = None) -> sa.types.TypeEngine[str]:
    """Return the type of a text, of at most `length` characters where it may stand in an index."""
    exact: Any = _ExactKey(length) if length else _ExactText()
    kind: sa.types.TypeEngine[str] = sa.String(length) if length else sa.Text()
    return kind.with_variant(sa.Text(collation="C"), "postgresql").with_variant(exact, *MYSQLS)


def blob() -> sa.types.TypeEngine[bytes]:
    """Return the type of bytes; MySQL's own kind ends at 64 KB."""
    return sa.LargeBinary().with_variant(_LongBlob(), *MYSQLS)


class _NoText(sa.sql.expression.ColumnElement[str]):
    """The empty text as a column's default."""

    inherit_cache = True
    type = sa.String()


@compiles(_NoText)
def _no_text(_: _NoText, __: Any, **___: Any) -> str:
    return "''"


@compiles(_NoText, "mysql")
@compiles(_NoText, "mariadb")
def _no_text_as_expression(_: _NoText, __: Any, **___: Any) -> str:
    return "('')"  # a long text has no constants as defaults there


def no_text() -> sa.sql.expression.ColumnElement[str]:
    """Return the empty text as a column's default."""
    return _NoText()


# -- indexes


def index_of_few(name: str, condition: sa.ColumnElement[bool], *columns: sa.Column[Any], whole: tuple[sa.Column[Any], ...]) -> None:
    """Index the few rows for which `condition` holds; where indexes can't be so, index all rows by `whole` instead."""
    few = sa.Index(name, *columns)
    _only(PARTIAL, few)
    _only(MYSQLS, sa.Index(f"{name}_all", *whole))

    def limit(index: sa.Index, conn: sa.Connection, **_: Any) -> None:
        if conn.dialect.name in PARTIAL:
            index.dialect_options[conn.dialect.name]["where"] = condition

    sa.event.listen(few, "before_create", limit)


def _only(dialects: tuple[str, ...], index: sa.Index) -> None:
    index.info["dialects"] = dialects
    index.ddl_if(dialect=dialects)  # type: ignore[arg-type]  # it takes several names, its hint says one


# -- inserts


def _upsert(table: sa.Table, merged: Callable[[Any], list[tuple[str, Any]]], only: Callable[[Any], Any] = lambda _: None) -> Many:
    """Return the insert of rows that sets `merged` where the key is there, and, where databases can say so, `only` under a condition.

    `merged` is given the row that was to be inserted.
    """
    keys = list(table.primary_key)

    def statement(dialect: str) -> Any:
        insert = _insert(table, dialect)
        if dialect not in MYSQLS:
            new: Any = insert.excluded
            return insert.on_conflict_do_update(index_elements=keys, set_=dict(merged(new)), where=only(new))
        # Without a condition of the statement each value has one of its own, which must not see what was set before it.
        held = only(insert.inserted)
        values = [(name, value if held is None else sa.func.if_(held, value, table.c[name])) for name, value in merged(insert.inserted)]
        values.sort(key=lambda pair: held is not None and pair[0] == "turn")
        return insert.on_duplicate_key_update(values)

    return Many(statement, table.c.keys())


def _insert(table: sa.Table, dialect: str) -> Any:
    """Return the insert that knows a dialect's words for a key that is there."""
    return import_module(f"sqlalchemy.dialects.{'mysql' if dialect in MYSQLS else dialect}").insert(table)


def insert_absent(table: sa.Table) -> Many:
    """Return the insert of rows whose key is not there yet; the others stay as they are, and are not counted."""
    key = next(iter(table.primary_key))

    def statement(dialect: str) -> Any:
        insert = _insert(table, dialect)
        # INSERT IGNORE would also cut what is too long, and say nothing.
        return insert.on_duplicate_key_update([(key.name, key)]) if dialect in MYSQLS else insert.on_conflict_do_nothing()

    return Many(statement, table.c.keys())


def insert_newer(table: sa.Table) -> Many:
    """Return the insert of rows that replaces a row of an older `turn`, and leaves one of the same or a newer turn."""
    return _upsert(table, lambda new: _all(table, new), lambda new: table.c.turn < new.turn)


def insert_or_replace(table: sa.Table) -> Many:
    """Return the insert of rows that replaces what has the same key."""
    return _upsert(table, lambda new: _all(table, new))


def raise_floor(table: sa.Table) -> Many:
    """Return the insert of rows that raises each of a row's numbers, where the one that is there is lower."""
    return _upsert(table, lambda new: [(c.name, _greater(c, new[c.name])) for c in table.c if not c.primary_key])


def _all(table: sa.Table, new: Any) -> list[tuple[str, Any]]:
    return [(column.name, new[column.name]) for column in table.c if not column.primary_key]


def _greater(one: Any, other: Any) -> sa.ColumnElement[Any]:
    return sa.case((one < other, other), else_=one)


# -- reads


def locked(select: sa.Select[Any], key: sa.Column[str]) -> sa.Select[Any]:
    """Return `select` so that nobody else changes the rows it finds before the transaction ends.

    With a conditional update after it, this names the winners on every database; UPDATE .. RETURNING is not known to all. SQLite
    needs no word for it: its write transactions are alone. By the order of the key and by no other way than the key, so that two who
    want the same rows wait for each other, and not crosswise.
    """
    ordered = select.order_by(key).with_for_update()
    for name in MYSQLS:
        ordered = ordered.with_hint(key.table, "FORCE INDEX (PRIMARY)", name)
    return ordered
