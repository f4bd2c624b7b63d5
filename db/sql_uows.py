"""How does SQL change units of work so that it can name the winners? Each function runs inside a write transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from db.documents import UOW_COLUMNS, moment_text, outcome_row, read_uows, uow_values
from db.model import Cancel, Outcome, UnitOfWork, UowMove, Widening
from db.sql_dialect import MYSQLS, insert_absent, locked
from db.sql_schema import EMPTY, FINISHED, IN_PROGRESS, REQUESTED, TRUE, uows
from db.storable import storable
from system.lifecycle import UOW_LIFECYCLE, UowEvent, UowState, advance
from system.records import replace
from system.sqlmany import Many, Prepared

T = TypeVar("T")
Row = Sequence[Any]  # a record in the order of its columns
Values = tuple[Any, ...]

# A statement takes so many values; larger batches are cut.
SLICE = 500

_CLAIMED_STATE = advance(UOW_LIFECYCLE, UowState.REQUESTED, UowEvent.CLAIMED)

_IDS = uows.c.id.in_(sa.bindparam("ids", expanding=True))
_IS_CANCELED = UOW_COLUMNS.index("cancel_requested")

_SELECT_BY_IDS = sa.select(*(uows.c[name] for name in UOW_COLUMNS)).where(_IDS)
_BY_IDS = Prepared(_SELECT_BY_IDS)
# By the range of ids, so that the key finds them: `0` is the character after `/`.
_OF_JOB = (
    sa.select(*(uows.c[name] for name in UOW_COLUMNS))
    .where(uows.c.id > sa.bindparam("low"), uows.c.id < sa.bindparam("high"))
    .order_by(uows.c.opened_at.desc(), uows.c.id.desc())
    .limit(sa.bindparam("most"))
)
# Fires are named by their moments, so the key has them in order.
_OF_ENTRY = (
    sa.select(*(uows.c[name] for name in UOW_COLUMNS))
    .where(uows.c.id > sa.bindparam("low"), uows.c.id < sa.bindparam("high"))
    .order_by(uows.c.id.desc())
    .limit(sa.bindparam("most"))
)
_CLAIMABLE = Prepared(locked(_SELECT_BY_IDS.where(uows.c.state == REQUESTED, uows.c.cancel_requested != TRUE), uows.c.id))
_CLAIMED = Prepared(
    locked(sa.select(uows.c.id, uows.c.session, uows.c.fence, uows.c.cancel_requested).where(_IDS, uows.c.state == IN_PROGRESS), uows.c.id)
)
_TO_END = sa.select(uows.c.id).where(
    uows.c.session == sa.bindparam("of"), uows.c.state == IN_PROGRESS, uows.c.cancel_requested == TRUE
).order_by(uows.c.id)

_OPEN = insert_absent(uows)
_key = uows.c.id == sa.bindparam("key")
_CLAIM = Prepared(
    sa.update(uows)
    .where(_IDS)
    .values(state=sa.bindparam("to"), fence=uows.c.fence + 1, session=sa.bindparam("by"), started_at=sa.bindparam("moment"))
)
_GIVE_BACK = Many(
    sa.update(uows).where(_key, uows.c.state == IN_PROGRESS).values(state=sa.bindparam("state"), session=EMPTY), ("state", "key")
)
_OF_OUTCOME = ("state", "failures", "rows", "reason", "finished_at")
_FINISH = Many(
    sa.update(uows)
    .where(_key, uows.c.fence == sa.bindparam("under"), uows.c.state == IN_PROGRESS)
    .values({name: sa.bindparam(name) for name in _OF_OUTCOME}),
    (*_OF_OUTCOME, "key", "under"),
)
# To MySQL and MariaDB each row of a batch is a statement of its own, with a wait for its answer: alike outcomes go in one there.
_FINISH_ALIKE = (
    sa.update(uows)
    .where(_IDS, uows.c.fence == sa.bindparam("under"), uows.c.state == IN_PROGRESS)
    .values({name: sa.bindparam(name) for name in _OF_OUTCOME})
)
_CANCEL = Many(
    sa.update(uows).where(_key, uows.c.state.not_in(FINISHED)).values(cancel_requested=TRUE, reason=sa.bindparam("reason")),
    ("reason", "key"),
)
_MOVE = Many(
    sa.update(uows)
    .where(_key, uows.c.state == sa.bindparam("before"), uows.c.fence == sa.bindparam("under"), uows.c.turn < sa.bindparam("turn"))
    .values(
        {name: sa.bindparam(name) for name in ("state", "losses", "reason", "turn")}
        | {"session": sa.case((sa.bindparam("state", type_=sa.String()) == REQUESTED, EMPTY), else_=uows.c.session)}
    ),
    ("key", "before", "under", "turn", "state", "losses", "reason"),
)

_WIDEN = Many(
    sa.update(uows)
    .where(_key, uows.c.state == REQUESTED, uows.c.fence == sa.bindparam("under"), uows.c.turn < sa.bindparam("turn"))
    .values({name: sa.bindparam(name) for name in ("slice", "turn")}),
    ("key", "under", "turn", "slice"),
)


def sliced(values: Sequence[T], size: int = SLICE) -> Iterator[Sequence[T]]:
    """Yield `values` in slices of at most `size`."""
    return (values[first : first + size] for first in range(0, len(values), size))


def claimed(rows: Sequence[Row], session: str, at: datetime) -> list[UnitOfWork]:
    """Return the units of work that `claim` came back with, as it left them."""
    return [replace(uow, state=_CLAIMED_STATE, session=session, started_at=at, fence=uow.fence + 1) for uow in read_uows(rows)]


def find(conn: sa.Connection, ids: Sequence[str]) -> list[Row]:
    """Return the rows there are among `ids`."""
    return [row for part in sliced(list(dict.fromkeys(ids))) for row in _BY_IDS(conn, part)]


def of_job(conn: sa.Connection, process: str, timeperiod: str, limit: int) -> Sequence[Row]:
    """Return the rows of one job, at most `limit`, last opened first."""
    front = f"{process}/{timeperiod}"
    return conn.execute(_OF_JOB, {"low": f"{front}/", "high": f"{front}0", "most": max(0, limit)}).all()


def of_entry(conn: sa.Connection, process: str, entry: str, limit: int) -> Sequence[Row]:
    """Return the rows of one freerun entry, at most `limit`, the latest fire first."""
    front = f"{process}/{entry}"
    return conn.execute(_OF_ENTRY, {"low": f"{front}/", "high": f"{front}0", "most": max(0, limit)}).all()


def claim(conn: sa.Connection, ids: Sequence[str], session: str, at: datetime) -> list[Row]:
    """Claim those of `ids` that can be; returns their rows as they stood before, for `claimed`."""
    won: list[Row] = []
    change = {"to": _CLAIMED_STATE.value, "by": session, "moment": moment_text(at)}
    for part in sliced(ids):
        found = _CLAIMABLE(conn, part)
        if found:
            _CLAIM(conn, [row[0] for row in found], **change)
        won += found
    return won


def give_back(conn: sa.Connection, claims: Sequence[UnitOfWork]) -> list[str]:
    """See Store.give_back."""
    state = advance(UOW_LIFECYCLE, UowState.IN_PROGRESS, UowEvent.GIVEN_BACK)
    held = _held(conn, [claim.id for claim in claims])
    given = [claim.id for claim in claims if _takes(held, claim.id, claim.session, claim.fence, even_to_end=True)]
    _GIVE_BACK(conn, [(state.value, uow_id) for uow_id in given])
    return given


def outcome_values(outcome: Outcome) -> Values:
    """Return what `finish` writes for an outcome; raises IllegalTransition for an event that is none."""
    return (*outcome_row(outcome).values(), outcome.uow_id, outcome.fence)


def finish(conn: sa.Connection, outcomes: Sequence[Outcome], rows: Sequence[Values]) -> list[str]:
    """See Store.finish. `rows` are the outcomes' values, in the same order."""
    held = _held(conn, [outcome.uow_id for outcome in outcomes])
    written = [
        (outcome.uow_id, row)
        for outcome, row in zip(outcomes, rows, strict=True)
        if _takes(held, outcome.uow_id, outcome.session, outcome.fence, even_to_end=outcome.event is UowEvent.CANCELED)
    ]
    if conn.dialect.name in MYSQLS:
        _finish_alike(conn, [row for _, row in written])
    else:
        _FINISH(conn, [row for _, row in written])
    return [uow_id for uow_id, _ in written]


def _finish_alike(conn: sa.Connection, rows: Sequence[Values]) -> None:
    alike: dict[Values, list[str]] = {}
    for *values, uow_id, fence in rows:
        alike.setdefault((*values, fence), []).append(uow_id)
    for told, ids in alike.items():
        change = dict(zip((*_OF_OUTCOME, "under"), told, strict=True))
        for part in sliced(ids):
            conn.execute(_FINISH_ALIKE, {"ids": list(part), **change})


def new_row(uow: UnitOfWork) -> Values:
    """Return what `open_new` needs for a unit of work."""
    values = uow_values(uow)
    return (*values[:_IS_CANCELED], int(values[_IS_CANCELED]), *values[_IS_CANCELED + 1 :])


def open_new(conn: sa.Connection, rows: Sequence[Values]) -> None:
    """Insert the rows of those units of work whose id is not there yet."""
    _OPEN(conn, rows)


def cancel(conn: sa.Connection, cancels: Sequence[Cancel]) -> None:
    """Mark unfinished units of work as to be ended."""
    _CANCEL(conn, [(storable(cancel.reason), cancel.uow_id) for cancel in cancels])


def move_row(move: UowMove, turn: int) -> Values:
    """Return what `move` needs for one of the engine's moves; raises IllegalTransition."""
    state = advance(UOW_LIFECYCLE, move.before, move.event)
    return (move.uow_id, move.before.value, move.fence, turn, state.value, move.losses, storable(move.reason))


def move(conn: sa.Connection, rows: Sequence[Values]) -> None:
    """Apply moves where state and fence still match and the record is older than the turn."""
    _MOVE(conn, rows)


def widen(conn: sa.Connection, widenings: Sequence[Widening], turn: int) -> None:
    """Set slices of units of work that nobody has claimed."""
    _WIDEN(conn, [(w.uow_id, w.fence, turn, storable(w.slice)) for w in widenings])


def to_end(conn: sa.Connection, session: str) -> tuple[str, ...]:
    """Return the ids of a session's claims that are to end."""
    return tuple(conn.execute(_TO_END, {"of": session}).scalars())


# A claim as the store has it: session, fence, whether it is to end.
_Claims = dict[str, tuple[str, int, bool]]


def _held(conn: sa.Connection, ids: Sequence[str]) -> _Claims:
    rows = (row for part in sliced(ids) for row in _CLAIMED(conn, part))
    return {uow_id: (session, fence, bool(is_to_end)) for uow_id, session, fence, is_to_end in rows}


def _takes(held: _Claims, uow_id: str, session: str, fence: int, *, even_to_end: bool) -> bool:
    """Return whether that claim stands, and take it out: a second outcome of the same attempt finds nothing."""
    found = held.get(uow_id)
    if found is None or found[:2] != (session, fence) or (found[2] and not even_to_end):
        return False
    del held[uow_id]
    return True
