"""Which number did a database give out last? Each has its own place for that; a number whose row was removed counts too."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

_MYSQL = "SELECT auto_increment - 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = :table"


def last_number(conn: sa.Connection, column: sa.Column[Any]) -> int:
    """Return the highest number that a row of the column's table ever had, 0 before the first."""
    highest = conn.execute(sa.select(sa.func.max(column))).scalar() or 0
    return max(highest, _LAST.get(conn.dialect.name, _last_mysql)(conn, column))


def raise_number(conn: sa.Connection, column: sa.Column[Any], number: int) -> None:
    """Let the next row have a higher number than `number`."""
    if last_number(conn, column) < number or conn.dialect.name == "postgresql":  # there an insert that brings a number leaves no trace
        _RAISE.get(conn.dialect.name, _raise_mysql)(conn, column, max(number, last_number(conn, column)))


def _last_sqlite(conn: sa.Connection, column: sa.Column[Any]) -> int:
    found = conn.execute(sa.text("SELECT seq FROM sqlite_sequence WHERE name = :table"), {"table": column.table.name})
    return found.scalar() or 0


def _raise_sqlite(conn: sa.Connection, column: sa.Column[Any], number: int) -> None:
    wanted = {"table": column.table.name, "number": number}
    if not conn.execute(sa.text("UPDATE sqlite_sequence SET seq = :number WHERE name = :table"), wanted).rowcount:
        conn.execute(sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :number)"), wanted)


def _last_postgres(conn: sa.Connection, column: sa.Column[Any]) -> int:
    sequence = sa.table(_sequence(conn, column).rpartition(".")[2], sa.column("last_value"), sa.column("is_called"))
    found = conn.execute(sa.select(sequence.c.last_value, sequence.c.is_called)).one()
    return int(found[0]) if found[1] else 0


def _raise_postgres(conn: sa.Connection, column: sa.Column[Any], number: int) -> None:
    if number:
        wanted = {"sequence": _sequence(conn, column), "number": number}
        conn.execute(sa.text("SELECT setval(CAST(:sequence AS regclass), :number)"), wanted)


def _sequence(conn: sa.Connection, column: sa.Column[Any]) -> str:
    wanted = {"table": column.table.name, "column": column.name}
    return str(conn.execute(sa.text("SELECT pg_get_serial_sequence(:table, :column)"), wanted).scalar())


def _last_mysql(conn: sa.Connection, column: sa.Column[Any]) -> int:
    return conn.execute(sa.text(_MYSQL), {"table": column.table.name}).scalar() or 0


def _raise_mysql(conn: sa.Connection, column: sa.Column[Any], number: int) -> None:
    conn.execute(sa.text(f"ALTER TABLE {column.table.name} AUTO_INCREMENT = {number + 1:d}"))


_LAST = {"sqlite": _last_sqlite, "postgresql": _last_postgres}
_RAISE = {"sqlite": _raise_sqlite, "postgresql": _raise_postgres}
