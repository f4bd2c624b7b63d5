"""How does SQL answer what a dashboard asks? By the index of what began when, and by the key of the output."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from db.documents import UOW_COLUMNS, moment_text, read_uows, row_job, row_piece
from db.model import Job, OutputPiece, UnitOfWork
from db.sql_schema import jobs, output, uows
from db.sql_uows import sliced
from db.store import Store
from system.sqldatabase import Database

_BEGUN = (
    sa.select(*(uows.c[name] for name in UOW_COLUMNS))
    .where(uows.c.started_at >= sa.bindparam("since"), uows.c.started_at < sa.bindparam("until"))
    .order_by(uows.c.started_at.desc(), uows.c.id.desc())
    .limit(sa.bindparam("most"))
)
_MOST_PLACES = 400  # SQLite takes no expression that is 1,000 deep, and each process is a step down
_PRINTED = (
    sa.select(output)
    .where(output.c.uow_id == sa.bindparam("of"), output.c.fence == sa.bindparam("under"), output.c.offset >= sa.bindparam("begin"))
    .order_by(output.c.offset)
)


def _by_process(places: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for process, timeperiod in places:
        found.setdefault(process, []).append(timeperiod)
    return found


def _of_process(process: str, timeperiods: Sequence[str]) -> sa.ColumnElement[bool]:
    return sa.and_(jobs.c.process == process, jobs.c.timeperiod.in_(timeperiods))


class SqlLooking(Store):
    """What `SqlStore` knows of what ran when."""

    database: Database

    def uows_begun(self, since: datetime, until: datetime, limit: int) -> list[UnitOfWork]:
        """See Looking."""
        wanted = {"since": moment_text(since.astimezone(UTC)), "until": moment_text(until.astimezone(UTC)), "most": max(0, limit)}
        return read_uows(self.database.read(lambda conn: conn.execute(_BEGUN, wanted).all()))

    def jobs_at(self, places: Sequence[tuple[str, str]]) -> list[Job]:
        """See Looking."""
        found: list[Job] = []
        for part in sliced(list(dict.fromkeys(places)), _MOST_PLACES):
            wanted = sa.select(jobs).where(sa.or_(*(_of_process(name, periods) for name, periods in _by_process(part).items())))
            rows = self.database.read(lambda conn, wanted=wanted: conn.execute(wanted).all())  # type: ignore[misc]
            found += [row_job(dict(zip(jobs.c.keys(), row, strict=True))) for row in rows]
        return found

    def output_from(self, uow_id: str, fence: int, offset: int) -> list[OutputPiece]:
        """See Looking."""
        wanted = {"of": uow_id, "under": fence, "begin": offset}
        rows = self.database.read(lambda conn: conn.execute(_PRINTED, wanted).all())
        return [row_piece(dict(zip(output.c.keys(), row, strict=True))) for row in rows]
