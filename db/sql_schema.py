"""Which tables does the SQL store have, and how does an older one become this one?

Cost must stay flat with years of finished rows behind it: an index that the hot path touches covers unfinished rows only.
"""

from __future__ import annotations

import sqlalchemy as sa

from db.sql_dialect import blob, index_of_few, no_text, text
from system.lifecycle import JOB_ACTIVE, UOW_FINISHED, UowState
from system.sqldatabase import META, Step
from system.sqlschema import grow

PART = "store"
PROJECTED_TURN = "projected_turn"

# Written into the statements as they are: a partial index serves only where its condition can be read off the statement's text.
REQUESTED = sa.literal_column(f"'{UowState.REQUESTED.value}'", sa.String)
IN_PROGRESS = sa.literal_column(f"'{UowState.IN_PROGRESS.value}'", sa.String)
FINISHED = tuple(sa.literal_column(f"'{state.value}'", sa.String) for state in sorted(UOW_FINISHED))
ACTIVE_JOB = sa.literal_column(str(max(JOB_ACTIVE).value), sa.Integer)
EMPTY = sa.literal_column("''", sa.String)
TRUE = sa.literal_column("1", sa.Integer)

metadata = sa.MetaData()


def _text(
    name: str, *, primary_key: bool = False, nullable: bool = False, length: int | None = None, added: bool = False
) -> sa.Column[str]:
    """Return a column of text; `added`: by a later version than its table, so the rows before it get the empty text."""
    return sa.Column(name, text(length), primary_key=primary_key, nullable=nullable, server_default=no_text() if added else None)


def _key(name: str) -> sa.Column[str]:
    return _text(name, primary_key=True, length=190)


def _number(name: str, *, nullable: bool = False, added: bool = False) -> sa.Column[int]:
    """Return a column of whole numbers; `added`: by a later version than its table, so the rows before it get 0."""
    return sa.Column(name, sa.BigInteger, nullable=nullable, server_default="0" if added else None)


turns = sa.Table(
    "turn",
    metadata,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    _text("session", length=190),
    _text("decided_at", length=40),
    _text("body"),
)

# Jobs and units of work keep SQLite's row numbers, beside their keys: so what is in flight lies together at the table's end, and a claim of
# a hundred units of a hundred processes writes 10 pages. WITHOUT ROWID was tried: 100 pages, and half as much time again.
jobs = sa.Table(
    "job",
    metadata,
    _key("process"),
    _text("timeperiod", primary_key=True, length=20),
    sa.Column("state", sa.Integer, nullable=False),
    _text("changed_at", length=40),
    _number("turn"),
    _number("generation"),
    _number("run"),
    _number("fence"),
    _text("uow_state", nullable=True, length=20),
    _number("opened_turn"),
    _number("inputs_turn"),
    _number("failures"),
    _text("failing_since", nullable=True, length=40),
    _text("retry_at", nullable=True, length=40),
    _text("held"),
    _text("reason"),
    _text("next_event", nullable=True, length=20),
    _text("again_at", nullable=True, length=40),
    _number("good_runs", added=True),
    _text("covered", added=True),
)
index_of_few("job_active", jobs.c.state <= ACTIVE_JOB, jobs.c.process, whole=(jobs.c.state,))

chunks = sa.Table(
    "chunk",
    metadata,
    _key("process"),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    _number("first"),
    sa.Column("states", blob(), nullable=False),
    _number("turn"),
)

# All of an entry is one text: nobody asks for a part of it.
entries = sa.Table("entry", metadata, _key("process"), _key("name"), _number("turn"), _text("body"))

uows = sa.Table(
    "uow",
    metadata,
    _key("id"),
    _text("process"),
    _text("timeperiod", length=20),
    _text("queue"),
    _text("start_timeperiod", length=20),
    _text("end_timeperiod", length=20),
    _text("opened_at", length=40),
    _number("turn"),
    _text("state", length=20),
    _number("fence"),
    _text("session", length=190),
    _number("failures"),
    _number("losses"),
    sa.Column("cancel_requested", sa.SmallInteger, nullable=False),
    _number("rows", nullable=True),
    _text("reason"),
    _text("started_at", nullable=True, length=40),
    _text("finished_at", nullable=True, length=40),
    _text("slice", added=True),
    _text("arguments", added=True),
    _text("runs_as", added=True),
)
# What a beat asks for. Nearly always empty, so claims and outcomes don't pay for it.
index_of_few(
    "uow_to_end",
    sa.and_(uows.c.cancel_requested == TRUE, uows.c.state == IN_PROGRESS),
    uows.c.session,
    whole=(uows.c.cancel_requested, uows.c.state, uows.c.session),
)

# What ran when, for a person who looks. A claim writes it, always at its end, so that it costs the same with years behind it.
index_of_few("uow_begun", uows.c.started_at.is_not(None), uows.c.started_at, whole=(uows.c.started_at,))

sessions = sa.Table(
    "session",
    metadata,
    _key("id"),
    _text("kind"),
    _text("box"),
    _number("pid"),
    sa.Column("created_s", sa.Double, nullable=False),
    _text("opened_at", length=40),
    _number("beat"),
    _number("slots"),
    _text("queues"),
    _text("facts"),
    sa.Column("is_open", sa.SmallInteger, nullable=False),
)
index_of_few("session_open", sessions.c.is_open == TRUE, sessions.c.id, whole=(sessions.c.is_open,))

commands = sa.Table(
    "command",
    metadata,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    _text("verb"),
    _text("process"),
    _text("timeperiod"),
    _text("who"),
    _text("why"),
    _text("given_at", length=40),
    _text("until"),
    _text("state", length=20),
    _text("answer"),
    _number("turn"),
    _text("details", added=True),
    sqlite_autoincrement=True,
)
OPEN_COMMAND = commands.c.state == sa.literal_column("'open'", sa.String)
index_of_few("command_open", OPEN_COMMAND, commands.c.number, whole=(commands.c.state,))

events = sa.Table(
    "event",
    metadata,
    _key("process"),
    _text("timeperiod", primary_key=True, length=190),
    sa.Column("turn", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("place", sa.BigInteger, primary_key=True, autoincrement=False),
    _text("at", length=40),
    _text("kind"),
    _text("who"),
    _text("text"),
)

floors = sa.Table("floor", metadata, _key("process"), _number("generation"), _number("fence"))

switches = sa.Table(
    "switch",
    metadata,
    _key("process"),
    sa.Column("is_on", sa.SmallInteger, nullable=False),
    _text("at", length=40),
    _number("turn"),
    _text("who"),
    _text("why"),
    _text("waits_from", length=20),
    _text("frequency"),
    _text("frequency_who"),
    _text("frequency_why"),
    _text("frequency_at", nullable=True, length=40),
    _text("missed"),
)

output = sa.Table(
    "output",
    metadata,
    _key("uow_id"),
    sa.Column("fence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("offset", sa.BigInteger, primary_key=True, autoincrement=False),
    _text("text"),
)

processes = sa.Table(
    "process",
    metadata,
    _key("name"),
    _text("start", length=20),
    _text("shape"),
    _text("registered_at", length=40),
    _number("turn", added=True),
    _text("retired_at", nullable=True, length=40),
    _text("reopen", added=True),
)

contexts = sa.Table("context", metadata, _key("digest"), _key("box"), _text("at", length=40), _number("turn"))

box_wishes = sa.Table(
    "box_wish",
    metadata,
    _key("box"),
    _key("process"),
    sa.Column("is_on", sa.SmallInteger, nullable=False),
    _number("instances"),
    _text("who"),
    _text("why"),
    _text("given_at", nullable=True, length=40),
)

box_reports = sa.Table(
    "box_report",
    metadata,
    _key("box"),
    _key("process"),
    _number("instances"),
    _text("told_at", length=40),
    _text("session", length=190),
    _text("children"),
)

# What mx keeps: accounts, tokens, logins. What has an end is found by it.
papers = sa.Table(
    "paper",
    metadata,
    _text("kind", primary_key=True, length=20),
    _key("key"),
    _number("version"),
    _text("text"),
    _text("until", nullable=True, length=40),
)
sa.Index("paper_until", papers.c.kind, papers.c.until)

# What a person or a command wrote down of the store as a whole.
notes = sa.Table("note", metadata, _key("name"), _text("text"))


def _create(conn: sa.Connection) -> None:
    metadata.create_all(conn)
    conn.execute(sa.insert(META).values(name=PROJECTED_TURN, value=0))


def _grow(conn: sa.Connection) -> None:
    grow(conn, metadata)


def erase_tables(conn: sa.Connection) -> None:
    """Drop all tables of ours that there are."""
    metadata.drop_all(conn)
    META.drop(conn, checkfirst=True)


# Step n leads from version n to n + 1. The tables above only ever grow: a version that adds to them adds a `_grow` here, one that does more
# adds a step of its own, and none of those before it changes.
STEPS: tuple[Step, ...] = (_create, _grow, _grow, _grow, _grow)
