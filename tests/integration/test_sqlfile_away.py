"""Does a process that has an SQLite file open notice that the file is away, wait for it, and never begin an empty one in its place?"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from db.sql import SqlStore
from db.urls import open_store
from launcher.parts import open_parts
from mq.broker import Message
from mq.urls import open_broker
from settings import Settings
from system.errors import Unavailable
from tests.support.builders import session, turn
from tests.support.stores import commit

AWAY = r"horarium.db is away \(it was moved, or its disk is not there\); nothing is lost: put it back"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "disk" / "horarium.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqlStore]:
    """A store with a turn and an open session."""
    opened = open_store(f"sqlite:///{path}")
    assert isinstance(opened, SqlStore)
    opened.prepare()
    opened.open_session(session("w"))
    commit(opened, turn(1))
    yield opened
    opened.close()


def take_away(path: Path) -> Path:
    """Move the folder with the file, and all that SQLite keeps beside it."""
    return path.parent.rename(path.parent.with_name("elsewhere"))


def test_while_the_file_is_away_nothing_is_read_and_nothing_written(store: SqlStore, path: Path) -> None:
    elsewhere = take_away(path)
    for use in (store.sessions, store.active_jobs, lambda: store.insert_turn(turn(2)), lambda: store.beat("w", {})):
        with pytest.raises(Unavailable, match=AWAY):
            use()
    assert not path.parent.exists()
    elsewhere.rename(path.parent)
    assert [found.number for found in store.turns_after(0, 9)] == [1]


def test_the_same_file_goes_on_where_it_was(store: SqlStore, path: Path) -> None:
    elsewhere = take_away(path)
    with pytest.raises(Unavailable):
        store.sessions()
    elsewhere.rename(path.parent)
    assert store.beat("w", {}).is_open
    assert store.insert_turn(turn(2))


def test_a_file_that_is_removed_is_not_made_anew(store: SqlStore, path: Path) -> None:
    path.unlink()
    with pytest.raises(Unavailable, match=AWAY):
        store.insert_turn(turn(2))
    assert not path.exists()


def put_another(path: Path, other: Path) -> None:
    """Put another file in the place of the store's, as whoever restores a backup does."""
    take_out(path)
    other.rename(path)


def test_a_restored_file_is_taken_up_with_a_new_session_and_not_before(store: SqlStore, path: Path) -> None:
    backup = path.with_name("backup")
    copy(path, backup)
    store.insert_turn(turn(2))
    put_another(path, backup)
    for use in (store.sessions, lambda: store.insert_turn(turn(3))):
        with pytest.raises(Unavailable, match=r"another file took the place of the store .*as soon as it has opened a new session in it"):
            use()
    assert not store.beat("w", {}).is_open
    store.close_sessions(["w"])
    store.open_session(session("w2"))
    assert [found.id for found in store.sessions()] == ["w2"]
    assert [found.number for found in store.turns_after(0, 9)] == [1]
    assert store.insert_turn(turn(2))


def copy(path: Path, to: Path) -> None:
    """Copy a database while it is in use."""
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


def test_an_empty_file_in_its_place_is_not_taken_for_the_store(store: SqlStore, path: Path) -> None:
    empty = path.with_name("empty")
    empty.touch()
    put_another(path, empty)
    for use in (lambda: store.beat("w", {}), lambda: store.open_session(session("w2"))):
        store.database.renew()
        with pytest.raises(Unavailable, match="it has no tables of ours, or those of another version: put the right"):
            use()
    assert path.stat().st_size == 0


def test_a_store_that_was_there_before_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"h.db is away"):
        open_store(f"sqlite:///{tmp_path}/gone/h.db", may_create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_deployment_remembers_that_its_store_was_there(tmp_path: Path) -> None:
    settings = Settings(var=str(tmp_path), store_url=f"sqlite:///{tmp_path}/h.db")
    with open_parts(settings):
        pass
    take_out(tmp_path / "h.db")
    with pytest.raises(Unavailable, match=r"h.db is away .*To begin with an empty one: `launch.py db --reset`"), open_parts(settings):
        pass
    assert not (tmp_path / "h.db").exists()
    with open_parts(replace(settings, store_url=f"sqlite:///{tmp_path}/other.db")) as parts:
        assert parts.store.processes() == []


def take_out(path: Path) -> None:
    """Remove a database."""
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def test_a_queue_that_a_restored_backup_lacks_is_declared_in_it_again(store: SqlStore, path: Path, tmp_path: Path) -> None:
    with closing(open_broker("embedded:", file=store.file, var=tmp_path)) as broker:
        broker.prepare()
        with closing(sqlite3.connect(path)) as before, closing(sqlite3.connect(tmp_path / "backup.db")) as backup:
            before.backup(backup)
        broker.declare(["q"])
        take_away(path)
        path.parent.mkdir()
        (tmp_path / "backup.db").rename(path)
        broker.declare(["q"])
        store.open_session(session("w-2"))
        with closing(open_broker("embedded:", file=store.file, var=tmp_path)) as other:
            other.publish([Message("q", "one")])
            assert other.depths(["q"]) == {"q": 1}
