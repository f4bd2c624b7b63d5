"""What does every source answer? Tables of SQLite with all its kinds of time, a collection of mongomock, and rows in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import mongomock
import pytest
import sqlalchemy as sa

from db.mongo_source import MongoSource
from db.source import Extent, MemorySource, Source
from db.source_urls import open_source
from system.context import source_entry
from system.errors import SourceError
from system.sqlurls import guest_engine

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROWS = [(NOON - timedelta(microseconds=1), 1), (NOON, 7), (NOON + timedelta(minutes=30), 5), (NOON + HOUR, 9)]


def table(folder: Path, kind: str, written: Callable[[datetime], Any]) -> Source:
    """Return a table of SQLite that holds ROWS, their moments `written` into a column of `kind`."""
    path = folder / "rows.db"
    with sqlite3.connect(path) as conn:
        conn.execute(f"CREATE TABLE visits (id INTEGER PRIMARY KEY, at {kind})")
        conn.executemany("INSERT INTO visits VALUES (?, ?)", [(key, written(moment)) for moment, key in ROWS])
    conn.close()
    return open_source(source_entry(f"sqlite:///{path}", "visits", "at", "id"))


def collection(_: Path) -> Source:
    """Return a collection that holds ROWS."""
    found: Any = mongomock.MongoClient(tz_aware=True)["shop"]["visits"]
    found.insert_many([{"_id": key, "at": moment} for moment, key in ROWS])
    return MongoSource(source_entry("mongodb://box/shop", "visits", "at"), found)


def on_server(url: str, kind: str, written: Callable[[datetime], Any]) -> Source:
    """Return a table of a server that holds ROWS, their moments `written` into a column of `kind`."""
    engine = guest_engine(url)
    with engine.begin() as conn:
        conn.exec_driver_sql("DROP TABLE IF EXISTS visits")
        conn.exec_driver_sql(f"CREATE TABLE visits (id INTEGER PRIMARY KEY, at {kind})")
        conn.exec_driver_sql("INSERT INTO visits VALUES (%s, %s)", [(key, written(moment)) for moment, key in ROWS])
    engine.dispose()
    return open_source(source_entry(url, "visits", "at", "id"))


def _naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


def _elsewhere(url: str) -> str:
    """Return a URL whose sessions begin in another zone, as on a server that is not in UTC."""
    return sa.make_url(url).update_query_dict({"init_command": "SET time_zone = '+05:00'"}).render_as_string(hide_password=False)


def _short(moment: datetime) -> str:
    """Return a moment as SQLite's CURRENT_TIMESTAMP writes it."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


SOURCES: dict[str, Callable[[Path], Source]] = {
    "memory": lambda _: MemorySource(ROWS),
    "moments": lambda folder: table(folder, "TIMESTAMP", lambda m: _naive(m).isoformat(" ", "microseconds")),
    "moments without a fraction": lambda folder: table(folder, "DATETIME", _short),
    "moments with T": lambda folder: table(folder, "TIMESTAMP", lambda m: _naive(m).isoformat()),
    "moments of either kind": lambda folder: table(folder, "TIMESTAMP", lambda m: _naive(m).isoformat("T" if m.minute else " ")),
    "seconds": lambda folder: table(folder, "REAL", lambda m: m.timestamp()),
    "texts": lambda folder: table(folder, "TEXT", lambda m: _naive(m).isoformat()),
    "texts with a space": lambda folder: table(folder, "TEXT", lambda m: _naive(m).isoformat(" ")),
    "texts without a fraction": lambda folder: table(folder, "VARCHAR(19)", _short),
    "texts to the minute": lambda folder: table(folder, "TEXT", lambda m: _short(m)[:16]),
    "texts of the zone": lambda folder: table(folder, "TEXT", lambda m: m.isoformat()),
    "collection": collection,
}


SERVED: dict[str, tuple[str, str, Callable[[datetime], Any]]] = {
    "postgresql-moments": ("postgresql_url", "TIMESTAMP", _naive),
    "postgresql-zoned": ("postgresql_url", "TIMESTAMPTZ", lambda m: m),
    "postgresql-seconds": ("postgresql_url", "DOUBLE PRECISION", lambda m: m.timestamp()),
    "postgresql-texts": ("postgresql_url", "TEXT", lambda m: _naive(m).isoformat()),
    "postgresql-texts with a space": ("postgresql_url", "TEXT", _short),
    "mariadb-moments": ("mariadb_url", "DATETIME(6)", _naive),
    "mariadb-seconds": ("mariadb_url", "DOUBLE", lambda m: m.timestamp()),
    "mariadb-texts": ("mariadb_url", "VARCHAR(40)", lambda m: _naive(m).isoformat()),
    "mariadb-texts with a space": ("mariadb_url", "VARCHAR(40)", _short),
}


@pytest.fixture(params=[*sorted(SOURCES), *(pytest.param(name, marks=pytest.mark.service) for name in sorted(SERVED))])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    """Each source in turn."""
    if request.param in SOURCES:
        return SOURCES[request.param](tmp_path)
    url, kind, written = SERVED[request.param]
    return on_server(request.getfixturevalue(url), kind, written)


def test_the_extent_of_a_window_is_half_open(source: Source) -> None:
    assert source.probe(NOON, NOON + HOUR) == Extent(5, 7, 2)
    source.close()


def test_a_window_without_rows_has_no_extent(source: Source) -> None:
    assert source.probe(NOON + 5 * HOUR, NOON + 6 * HOUR) is None
    source.close()


def test_a_window_over_midnight_begins_and_ends_within_its_days(source: Source) -> None:
    assert source.probe(NOON + HOUR / 2, NOON + 24 * HOUR) == Extent(5, 9, 2)
    assert source.probe(NOON - 12 * HOUR, NOON + 12 * HOUR) == Extent(1, 9, 4)
    source.close()


def test_a_column_of_days_has_the_rows_of_a_day(tmp_path: Path) -> None:
    source = table(tmp_path, "DATE", lambda m: _short(m)[:10])
    assert source.probe(NOON - 12 * HOUR, NOON + 12 * HOUR) == Extent(1, 9, 4)
    assert source.probe(NOON - 36 * HOUR, NOON - 12 * HOUR) is None
    source.close()


@pytest.mark.service
def test_a_server_of_another_zone_is_asked_in_utc(mariadb_url: str) -> None:
    on_server(mariadb_url, "TIMESTAMP(6)", _naive).close()
    source = open_source(source_entry(_elsewhere(mariadb_url), "visits", "at", "id"))
    assert source.probe(NOON, NOON + HOUR) == Extent(5, 7, 2)
    source.close()


def test_a_moment_that_is_none_is_told(tmp_path: Path) -> None:
    table(tmp_path, "TIMESTAMP", lambda m: f"{_short(m)} or so").close()
    source = open_source(source_entry(f"sqlite:///{tmp_path / 'rows.db'}", "visits", "at"))
    with pytest.raises(SourceError, match="can't be asked"):
        source.probe(NOON, NOON + HOUR)
    source.close()


@pytest.mark.parametrize(
    ("made", "words"), [(("nothing", "at"), "nothing"), (("visits", "when"), "has no column 'when', only id, at")], ids=["table", "column"]
)
def test_what_is_not_there_is_named(tmp_path: Path, made: tuple[str, str], words: str) -> None:
    table(tmp_path, "TEXT", str).close()
    source = open_source(source_entry(f"sqlite:///{tmp_path / 'rows.db'}", *made))
    with pytest.raises(SourceError, match=words):
        source.probe(NOON, NOON + HOUR)


def test_a_driver_that_is_not_there_is_told_without_the_password() -> None:
    with pytest.raises(SourceError) as caught:
        open_source(source_entry("oracle://me:secret@box/shop", "visits", "at"))
    assert "secret" not in str(caught.value)
