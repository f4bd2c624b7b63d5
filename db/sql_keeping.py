"""How does an SQL store find and remove what is old?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from db.documents import moment_text, row_command, row_event, row_job, row_uow
from db.keeping import Floor, Page
from db.model import Command, Event, Job, UnitOfWork
from db.sql_dialect import insert_absent, raise_floor
from db.sql_schema import ACTIVE_JOB, FINISHED, OPEN_COMMAND, TRUE, commands, events, floors, jobs, output, sessions, turns, uows
from db.sql_walk import Walk
from db.store import Store
from system.sqldatabase import META, Database
from system.sqlmany import Many

T = TypeVar("T")

REMOVED = "removed_turns"
REMOVED_TURNS = sa.select(META.c.value).where(META.c.name == REMOVED)

_BEFORE: sa.BindParameter[str] = sa.bindparam("before")
_UOW_ENDED = sa.func.coalesce(uows.c.finished_at, uows.c.opened_at)


_UOWS = Walk(uows, sa.and_(uows.c.state.in_(FINISHED), _UOW_ENDED < _BEFORE))
_JOBS = Walk(jobs, sa.and_(jobs.c.state > ACTIVE_JOB, jobs.c.changed_at < _BEFORE))
_COMMANDS = Walk(commands, sa.and_(sa.not_(OPEN_COMMAND), commands.c.given_at < _BEFORE))
_EVENTS = Walk(events, events.c.at < _BEFORE)
_PRINTED = (
    sa.select(output.c.uow_id)
    .where(output.c.uow_id > sa.bindparam("after"))
    .distinct()
    .order_by(output.c.uow_id)
    .limit(sa.bindparam("most"))
)

_REMOVE_UOWS = Many(sa.delete(uows).where(uows.c.id == sa.bindparam("key"), uows.c.state.in_(FINISHED)), ("key",))
_REMOVE_JOB = sa.delete(jobs).where(
    jobs.c.process == sa.bindparam("of"), jobs.c.timeperiod == sa.bindparam("period"), jobs.c.turn == sa.bindparam("turn")
)
_REMOVE_EVENTS = Many(
    sa.delete(events).where(
        events.c.process == sa.bindparam("of"), events.c.timeperiod == sa.bindparam("period"), events.c.turn <= sa.bindparam("turn")
    ),
    ("of", "period", "turn"),
)
_REMOVE_EACH_EVENT = Many(
    sa.delete(events).where(
        events.c.process == sa.bindparam("of"),
        events.c.timeperiod == sa.bindparam("period"),
        events.c.turn == sa.bindparam("turn"),
        events.c.place == sa.bindparam("at"),
    ),
    ("of", "period", "turn", "at"),
)
_REMOVE_TURNS = sa.delete(turns).where(turns.c.number <= sa.bindparam("upto"))
_BEGIN_REMOVED = insert_absent(META)
_RAISE_REMOVED = (
    sa.update(META).where(META.c.name == REMOVED, META.c.value < sa.bindparam("upto")).values(value=sa.bindparam("upto"))
)
_REMOVE_COMMANDS = Many(sa.delete(commands).where(commands.c.number == sa.bindparam("key"), sa.not_(OPEN_COMMAND)), ("key",))
_REMOVE_OUTPUT = Many(sa.delete(output).where(output.c.uow_id == sa.bindparam("key")), ("key",))
_CLOSED = (
    sa.select(sessions.c.id).where(sessions.c.is_open != TRUE, sessions.c.opened_at < _BEFORE).limit(sa.bindparam("most"))
)
_REMOVE_SESSIONS = Many(sa.delete(sessions).where(sessions.c.id == sa.bindparam("key"), sessions.c.is_open != TRUE), ("key",))
_FLOOR = sa.select(floors.c.generation, floors.c.fence).where(floors.c.process == sa.bindparam("of"))
_RAISE_FLOOR = raise_floor(floors)

_COUNTED = {
    "turns": turns,
    "jobs": jobs,
    "units of work": uows,
    "events": events,
    "commands": commands,
    "sessions": sessions,
    "pieces of output": output,
}


class SqlKeeping(Store):
    """The part of `SqlStore` that keeps house. What it removes is not durable at once: whatever comes back is found again."""

    database: Database

    def old_uows(self, before: datetime, after: str, limit: int) -> Page[UnitOfWork]:
        """See Keeping."""
        return self._page(_UOWS, row_uow, before, after, limit)

    def old_jobs(self, before: datetime, after: str, limit: int) -> Page[Job]:
        """See Keeping."""
        return self._page(_JOBS, row_job, before, after, limit)

    def old_commands(self, before: datetime, after: str, limit: int) -> Page[Command]:
        """See Keeping."""
        return self._page(_COMMANDS, row_command, before, after, limit)

    def old_events(self, before: datetime, after: str, limit: int) -> Page[Event]:
        """See Keeping."""
        return self._page(_EVENTS, row_event, before, after, limit)

    def printed(self, after: str, limit: int) -> Page[str]:
        """See Keeping."""
        wanted = {"after": after, "most": limit}
        found = list(self.database.read(lambda conn: conn.execute(_PRINTED, wanted).scalars().all()))
        return Page(found, found[-1] if found and len(found) == limit else "")

    def remove_uows(self, ids: Sequence[str]) -> None:
        """See Keeping."""
        self._remove(_REMOVE_UOWS, [(uow_id,) for uow_id in ids])

    def remove_jobs(self, jobs: Sequence[Job]) -> None:
        """See Keeping."""

        def remove(conn: sa.Connection) -> None:
            _RAISE_FLOOR(conn, [(job.process, job.generation, job.fence) for job in jobs])
            gone = [
                (job.process, job.timeperiod, job.turn)
                for job in jobs
                if conn.execute(_REMOVE_JOB, {"of": job.process, "period": job.timeperiod, "turn": job.turn}).rowcount
            ]
            _REMOVE_EVENTS(conn, gone)

        self.database.write(remove, durable=False)

    def remove_turns(self, upto: int) -> None:
        """See Keeping."""

        def remove(conn: sa.Connection) -> None:
            _BEGIN_REMOVED(conn, [(REMOVED, 0)])
            conn.execute(_RAISE_REMOVED, {"upto": upto})
            conn.execute(_REMOVE_TURNS, {"upto": upto})

        self.database.write(remove, durable=False)

    def remove_commands(self, numbers: Sequence[int]) -> None:
        """See Keeping."""
        self._remove(_REMOVE_COMMANDS, [(number,) for number in numbers])

    def remove_events(self, events: Sequence[Event]) -> None:
        """See Keeping."""
        self._remove(_REMOVE_EACH_EVENT, [(event.process, event.timeperiod, event.turn, event.place) for event in events])

    def remove_output(self, uow_ids: Sequence[str]) -> None:
        """See Keeping."""
        self._remove(_REMOVE_OUTPUT, [(uow_id,) for uow_id in uow_ids])

    def remove_sessions(self, before: datetime, limit: int) -> int:
        """See Keeping."""
        wanted = {"before": moment_text(before), "most": limit}

        def remove(conn: sa.Connection) -> int:
            found = conn.execute(_CLOSED, wanted).scalars().all()
            _REMOVE_SESSIONS(conn, [(session_id,) for session_id in found])
            return len(found)

        return self.database.write(remove, durable=False)

    def floor(self, process: str) -> Floor:
        """See Keeping."""
        found = self.database.read(lambda conn: conn.execute(_FLOOR, {"of": process}).first())
        return Floor(*found) if found else Floor()

    def sizes(self) -> dict[str, int]:
        """See Keeping."""
        counts = {name: sa.select(sa.func.count()).select_from(table) for name, table in _COUNTED.items()}
        return self.database.read_long(lambda conn: {name: conn.execute(count).scalar_one() for name, count in counts.items()})

    def _remove(self, statement: Many, rows: Sequence[tuple[Any, ...]]) -> None:
        self.database.write(lambda conn: statement(conn, rows), durable=False)

    def _page(self, walk: Walk, record: Callable[[Mapping[str, Any]], T], before: datetime, after: str, limit: int) -> Page[T]:
        rows, place = self.database.read(lambda conn: walk.page(conn, moment_text(before), after, limit))
        return Page([record(dict(zip(walk.columns, row, strict=True))) for row in rows], place)
