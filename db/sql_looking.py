"""How does SQL answer what a dashboard asks? By the index of what began when, and by the key of the output."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from db.documents import UOW_COLUMNS, moment_text, row_piece
from db.model import OutputPiece, UnitOfWork
from db.sql_schema import output, uows
from db.sql_uows import records
from db.store import Store
from system.sqldatabase import Database

_BEGUN = (
    sa.select(*(uows.c[name] for name in UOW_COLUMNS))
    .where(uows.c.started_at >= sa.bindparam("since"), uows.c.started_at < sa.bindparam("until"))
    .order_by(uows.c.started_at.desc(), uows.c.id.desc())
    .limit(sa.bindparam("most"))
)
_PRINTED = (
    sa.select(output)
    .where(output.c.uow_id == sa.bindparam("of"), output.c.fence == sa.bindparam("under"), output.c.offset >= sa.bindparam("begin"))
    .order_by(output.c.offset)
)


class SqlLooking(Store):
    """What `SqlStore` knows of what ran when."""

    database: Database

    def uows_begun(self, since: datetime, until: datetime, limit: int) -> list[UnitOfWork]:
        """See Looking."""
        wanted = {"since": moment_text(since.astimezone(UTC)), "until": moment_text(until.astimezone(UTC)), "most": max(0, limit)}
        return records(self.database.read(lambda conn: conn.execute(_BEGUN, wanted).all()))

    def output_from(self, uow_id: str, fence: int, offset: int) -> list[OutputPiece]:
        """See Looking."""
        wanted = {"of": uow_id, "under": fence, "begin": offset}
        rows = self.database.read(lambda conn: conn.execute(_PRINTED, wanted).all())
        return [row_piece(dict(zip(output.c.keys(), row, strict=True))) for row in rows]
