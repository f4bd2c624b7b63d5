"""What do the tables of a database lack of what they should be, and how is it added? Only ever added: what is there stays as it is."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn


def indexes_of(table: sa.Table, conn: sa.Connection) -> list[sa.Index]:
    """Return the indexes of a table that are meant for this kind of database: for all, or for the `dialects` of their `info`."""
    return [index for index in table.indexes if conn.dialect.name in index.info.get("dialects", (conn.dialect.name,))]


def missing_of(conn: sa.Connection, metadata: sa.MetaData) -> Iterator[str]:
    """Yield what is not there, such as `table job`, `column job.held` or `index job_active`."""
    there = sa.inspect(conn)
    tables = set(there.get_table_names())
    for table in metadata.sorted_tables:
        if table.name not in tables:
            yield f"table {table.name}"
            continue
        columns = {column["name"] for column in there.get_columns(table.name)}
        yield from (f"column {table.name}.{column.name}" for column in table.columns if column.name not in columns)
        indexes = {index["name"] for index in there.get_indexes(table.name)}
        yield from sorted(f"index {index.name}" for index in indexes_of(table, conn) if index.name not in indexes)


def grow(conn: sa.Connection, metadata: sa.MetaData) -> None:
    """Add the tables, columns and indexes that are not there yet."""
    there = sa.inspect(conn)
    for table in metadata.sorted_tables:
        if there.has_table(table.name):
            _widen(conn, table, {column["name"] for column in there.get_columns(table.name)})
    metadata.create_all(conn)
    for table in metadata.sorted_tables:
        for index in indexes_of(table, conn):
            index.create(conn, checkfirst=True)


def _widen(conn: sa.Connection, table: sa.Table, there: set[str]) -> None:
    name = conn.dialect.identifier_preparer.format_table(table)
    for column in table.columns:
        if column.name not in there:
            conn.exec_driver_sql(f"ALTER TABLE {name} ADD COLUMN {CreateColumn(column).compile(dialect=conn.dialect)}")
