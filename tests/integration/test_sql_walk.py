"""Does each page of a pass over a server's table read its own rows only, however late it comes?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from db.model import Event
from db.sql import SqlStore
from system.lifecycle import JobState
from system.sqlserver import SqlServer
from tests.support.builders import NOW, job, turn
from tests.support.services import service_url
from tests.support.sql_servers import empty_store, own_sql_database

pytestmark = pytest.mark.service

SERVERS = {"postgresql": "POSTGRES_URL", "mariadb": "MARIADB_URL"}
EXPLAIN = {"postgresql": "EXPLAIN (ANALYZE, FORMAT JSON)", "mysql": "ANALYZE FORMAT=JSON"}
PAGE = 20
Sent = list[tuple[str, Any]]


@pytest.fixture(params=sorted(SERVERS))
def store(request: pytest.FixtureRequest) -> Iterator[SqlStore]:
    """A store with 400 old jobs of two processes, each with two events."""
    with own_sql_database(service_url(SERVERS[request.param]), "walk") as url:
        made = empty_store(url)
        jobs = [job(f"20240101{n:03}", JobState.PROCESSED, process=process) for process in ("a", "b") for n in range(200)]
        events = [Event(found.process, found.timeperiod, 1, place, NOW, "hold") for found in jobs for place in (0, 1)]
        made.project(turn(1, jobs=jobs, events=events), [])
        for table in ("job", "event"):
            made.database.write(lambda conn, t=table: conn.exec_driver_sql(_analyze(conn, t)))  # type: ignore[misc]
        yield made
        made.close()


def _analyze(conn: sa.Connection, table: str) -> str:
    return f"ANALYZE {'TABLE ' if conn.dialect.name == 'mysql' else ''}{table}"


@pytest.fixture
def sent(store: SqlStore) -> Sent:
    """All statements that are sent from now on, with their values."""
    assert isinstance(store.database, SqlServer)
    noted: Sent = []

    @sa.event.listens_for(store.database._durable, "before_cursor_execute")
    def _note(_conn: Any, _cursor: Any, statement: str, values: Any, _context: Any, _many: Any) -> None:
        noted.append((statement, values))

    return noted


def rows_read(store: SqlStore, statement: str, values: Any) -> int:
    """Return how many rows a server reads for a statement, by an index."""

    def ask(conn: sa.Connection) -> Any:
        if conn.dialect.name == "postgresql":  # so few rows would be read as they lie
            conn.exec_driver_sql("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        return conn.exec_driver_sql(f"{EXPLAIN[conn.dialect.name]} {statement}", values).scalar_one()

    told = store.database.write(ask)
    return sum(_read(json.loads(told) if isinstance(told, str) else told))


def _read(told: Any) -> Iterator[int]:
    if isinstance(told, list):
        for part in told:
            yield from _read(part)
    elif isinstance(told, dict):
        if "Scan" in told.get("Node Type", ""):
            yield told["Actual Rows"] + told.get("Rows Removed by Filter", 0)
        if "r_rows" in told and "table_name" in told:
            yield round(told["r_rows"] * told["r_loops"])
        yield from _read(list(told.values()))


@pytest.mark.parametrize("verb", ["old_jobs", "old_events"])
def test_a_late_page_reads_no_more_than_an_early_one(store: SqlStore, sent: Sent, verb: str) -> None:
    place, later = "", NOW + timedelta(days=1)
    for _ in range(18):
        place = getattr(store, verb)(later, place, PAGE).next
    sent.clear()
    assert len(getattr(store, verb)(later, place, PAGE).found) == PAGE
    read = [rows_read(store, *one) for one in list(sent)]
    assert max(read) <= PAGE + 1, read
