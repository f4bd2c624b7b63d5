"""Which rows does a table hold for a window? By SQLAlchemy, for whatever database it speaks to."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import TypeEngine

from db.source import Extent, Source, key_of
from system.errors import SourceError
from system.hidden import hide
from system.source_entry import SourceEntry
from system.sqlurls import guest_engine


class SqlSource(Source):
    """One table. The type of its time column says how moments are written: as such (in UTC), as seconds since 1970, or as ISO texts."""

    def __init__(self, entry: SourceEntry) -> None:
        self._entry = entry
        self._table: sa.Table | None = None
        try:
            self._engine = guest_engine(entry.url)
        except (SQLAlchemyError, ImportError, ValueError) as error:
            raise SourceError(f"source {entry!r} can't be used: {hide(str(error))}") from error

    def probe(self, start: datetime, end: datetime) -> Extent | None:
        """See Source."""
        try:
            with self._engine.connect() as conn:
                table = self._reflected(conn)
                time = self._column(table, self._entry.time)
                key = self._column(table, self._entry.key or self._entry.time)
                inside = _inside(time, start, end, holds_text=_holds_text(time.type, conn.dialect.name))
                lowest, highest, count = conn.execute(sa.select(sa.func.min(key), sa.func.max(key), sa.func.count()).where(inside)).one()
        except (SQLAlchemyError, ValueError) as error:  # a ValueError: SQLite kept in a column of moments what is none
            raise SourceError(f"source {self._entry!r} can't be asked: {hide(str(error.__cause__ or error))}") from error
        return Extent(key_of(lowest), key_of(highest), count) if count else None

    def close(self) -> None:
        """See Source."""
        self._engine.dispose()

    def _reflected(self, conn: sa.Connection) -> sa.Table:
        if self._table is None:
            schema, _, name = self._entry.table.rpartition(".")
            self._table = sa.Table(name, sa.MetaData(), schema=schema or None, autoload_with=conn, resolve_fks=False)
        return self._table

    def _column(self, table: sa.Table, name: str) -> sa.Column[object]:
        if name not in table.columns:
            raise SourceError(f"source {self._entry!r}: {self._entry.table} has no column {name!r}, only {', '.join(table.columns.keys())}")
        return table.columns[name]


def _holds_text(kind: TypeEngine[object], dialect: str) -> bool:
    """Return whether a column holds moments as texts: SQLite has no other, whatever a column is declared as."""
    return isinstance(kind, sa.String) or (dialect == "sqlite" and isinstance(kind, sa.DateTime | sa.Date | sa.types.NullType))


def _inside(time: sa.Column[object], start: datetime, end: datetime, *, holds_text: bool) -> sa.ColumnElement[bool]:
    if not holds_text:
        return sa.and_(time >= _bound(time, start), time < _bound(time, end))
    text = sa.type_coerce(time, sa.String)
    is_iso = sa.func.substr(text, 11, 1) == "T"
    # A range for each way to part day and time, so that an index of the column serves: a space comes before all digits, a T after them.
    return sa.or_(
        *(
            sa.and_(text >= _written(start, separator), text < _written(end, separator), is_so)
            for separator, is_so in ((" ", sa.not_(is_iso)), ("T", is_iso))
        )
    )


def _written(moment: datetime, separator: str) -> str:
    """Return the shortest text of a moment: at or before all that writes the same one with zeros more, after all that is earlier."""
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat(separator)
    day, _, time = text.partition(separator)
    for zeros in (":00", ":00", "00"):
        time = time.removesuffix(zeros)
    return f"{day}{separator}{time}" if time else day


def _bound(column: sa.Column[object], moment: datetime) -> object:
    if isinstance(column.type, sa.DateTime):
        return moment if column.type.timezone else moment.astimezone(UTC).replace(tzinfo=None)
    if isinstance(column.type, sa.Integer | sa.Numeric | sa.Float):
        return moment.timestamp()
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat()
