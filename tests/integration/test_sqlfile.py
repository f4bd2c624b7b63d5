"""Does the SQLite file keep what it says is written, whoever else writes, fails or looks? With real files, threads and processes."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import sqlalchemy as sa

from db.sql import SqlStore
from db.sql_schema import STEPS
from db.urls import open_store
from system.errors import ConfigError, SchemaError, StoreError, Unavailable
from system.lifecycle import UowState
from system.sqldatabase import Database
from system.sqlfile import SqlFile
from system.sqlmany import Many
from tests.support.builders import NOW, process_row
from tests.support.older_stores import write_version_1
from tests.support.stores import race

ROOT = Path(__file__).parents[2]
PATIENCE_S = 10.0

table = sa.Table(
    "word",
    sa.MetaData(),
    sa.Column("text", sa.Text, primary_key=True),
    # Checked at the commit only: the one way to make a commit itself fail.
    sa.Column("after", sa.Text, sa.ForeignKey("word.text", deferrable=True, initially="DEFERRED")),
)
INSERT = Many(sa.insert(table), ("text", "after"))

ADD_MANY = """
import sys
from pathlib import Path
from system.sqlfile import SqlFile
file = SqlFile(Path(sys.argv[1]))
for n in range(50):
    file.write(lambda conn: conn.exec_driver_sql("INSERT INTO word (text) VALUES (?)", (f"{sys.argv[2]}-{n}",)))
file.close()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "words.db"


@pytest.fixture
def file(path: Path) -> Iterator[SqlFile]:
    opened = SqlFile(path, busy_s=0.05)
    opened.write(table.create)
    yield opened
    opened.close()


def add(*words: str) -> Callable[[sa.Connection], int]:
    return lambda conn: INSERT(conn, [(word, None) for word in words])


def words(file: SqlFile) -> list[str]:
    return file.read(lambda conn: list(conn.execute(sa.select(table.c.text).order_by(table.c.text)).scalars()))


def count_on_disk(path: Path) -> int:
    """Return how many words a stranger finds in the file."""
    stranger = sqlite3.connect(path)
    try:
        return int(stranger.execute("SELECT count(*) FROM word").fetchone()[0])
    finally:
        stranger.close()


def log_frames(path: Path) -> int:
    """Return how many pages the write-ahead log holds; each commit adds at least those that it changed."""
    return (path.with_name(f"{path.name}-wal").stat().st_size - 32) // (4096 + 24)


@contextmanager
def blocked(file: SqlFile) -> Iterator[None]:
    """Hold the writer's thread, so that what is submitted meanwhile makes one group."""
    go, begun = Event(), Event()

    def wait(conn: sa.Connection) -> None:
        begun.set()
        assert go.wait(PATIENCE_S)

    future = file.submit(wait)
    assert begun.wait(PATIENCE_S)
    try:
        yield
    finally:
        go.set()
        future.result(PATIENCE_S)


@pytest.fixture
def strict_file(path: Path) -> Iterator[SqlFile]:
    """A file that checks references, at the commit."""

    def check(driver: sqlite3.Connection, record: object) -> None:
        driver.execute("PRAGMA foreign_keys = ON")

    sa.event.listen(sa.Engine, "connect", check)
    opened = SqlFile(path)
    opened.write(table.create)
    yield opened
    opened.close()
    sa.event.remove(sa.Engine, "connect", check)


# -- writing and reading


def test_a_write_returns_its_result_and_is_in_the_file(file: SqlFile, path: Path) -> None:
    assert file.write(add("a", "b")) == 2
    assert count_on_disk(path) == 2


def test_a_failed_write_raises_its_own_error_and_leaves_nothing(file: SqlFile) -> None:
    def fail(conn: sa.Connection) -> None:
        add("a")(conn)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        file.write(fail)
    assert words(file) == []


def test_a_reader_sees_the_latest_commit_with_every_look(file: SqlFile) -> None:
    seen = [words(file) for n in range(3) if file.write(add(str(n)))]
    assert seen == [["0"], ["0", "1"], ["0", "1", "2"]]


def test_a_reader_may_not_write(file: SqlFile) -> None:
    with pytest.raises(StoreError, match="readonly"):
        file.read(add("a"))
    assert words(file) == []


def test_what_a_process_wrote_without_waiting_for_the_disk_survives_it(file: SqlFile, path: Path) -> None:
    file.write(add("a"), durable=False)
    assert count_on_disk(path) == 1


# -- groups


def test_waiting_writes_are_committed_in_order(file: SqlFile) -> None:
    def add_and_look(conn: sa.Connection, word: str) -> list[str]:
        add(word)(conn)
        return list(conn.execute(sa.select(table.c.text).order_by(table.c.text)).scalars())

    with blocked(file):
        futures = [file.submit(partial(add_and_look, word=word)) for word in ("a", "b", "c")]
    assert [future.result(PATIENCE_S) for future in futures] == [["a"], ["a", "b"], ["a", "b", "c"]]


def test_waiting_writes_become_one_commit(file: SqlFile, path: Path) -> None:
    with blocked(file):
        futures = [file.submit(add(str(n))) for n in range(100)]
        before = log_frames(path)
    futures[-1].result(PATIENCE_S)
    assert log_frames(path) - before < 10


def test_one_failure_does_not_take_the_others_of_its_group(file: SqlFile) -> None:
    file.write(add("a"))
    with blocked(file):
        futures = [file.submit(add(word)) for word in ("b", "a", "c")]
    assert [type(future.exception(PATIENCE_S)) for future in futures] == [type(None), StoreError, type(None)]
    assert words(file) == ["a", "b", "c"]


def test_a_failed_commit_is_told_to_its_whole_group_and_the_next_goes_on(strict_file: SqlFile) -> None:
    with blocked(strict_file):
        futures = [strict_file.submit(add("a")), strict_file.submit(lambda conn: INSERT(conn, [("b", "nothing")]))]
    assert [type(future.exception(PATIENCE_S)) for future in futures] == [StoreError, StoreError]
    strict_file.write(add("c"))
    assert words(strict_file) == ["c"]


def test_a_full_disk_loses_nothing_and_is_over_when_there_is_space(file: SqlFile) -> None:
    file.write(add("a"))
    file.write(lambda conn: conn.exec_driver_sql("PRAGMA max_page_count = 1"))
    with blocked(file):
        futures = [file.submit(add("b")), file.submit(add("x" * 100_000))]
    assert [type(future.exception(PATIENCE_S)) for future in futures] in ([type(None), Unavailable], [Unavailable, Unavailable])
    with pytest.raises(Unavailable, match=r"disk is full; nothing was written, nothing is lost. Free some space"):
        file.write(add("x" * 100_000))
    file.write(lambda conn: conn.exec_driver_sql("PRAGMA max_page_count = 100000"))
    file.write(add("x" * 100_000))
    assert len(words(file)) in (2, 3)


# -- other processes


def test_processes_that_write_at_once_lose_nothing(file: SqlFile, path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", ADD_MANY, str(path), str(n)], cwd=ROOT) for n in range(3)]
    for n in range(50):
        file.write(add(f"own-{n}"))
    assert [writer.wait(PATIENCE_S) for writer in writers] == [0, 0, 0]
    assert count_on_disk(path) == 200


def test_a_write_that_another_process_keeps_waiting_gives_up_and_writes_nothing(file: SqlFile, path: Path) -> None:
    impatient = SqlFile(path, patience_s=0.05)
    with Path(f"{path}.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        first = impatient.submit(add("a"))
        with pytest.raises(Unavailable, match=r"held by another process for 0.05 s, nothing was written; look for a stopped process"):
            impatient.write(add("b"))
    assert first.result(PATIENCE_S) == 1
    assert words(file) == ["a"]
    impatient.close()


class Slow(SqlFile):
    """A file whose writes have begun once they are submitted, and take longer than its patience."""

    def submit(self, fn: Callable[[sa.Connection], Any], *, durable: bool = True, anew: bool = False) -> Future[Any]:
        begun = Event()

        def step(conn: sa.Connection) -> Any:
            begun.set()
            Event().wait(0.2)
            return fn(conn)

        future = super().submit(step, durable=durable, anew=anew)
        assert begun.wait(PATIENCE_S)
        return future


def test_what_has_begun_is_waited_for_where_it_may_be_long_and_blamed_on_nobody(file: SqlFile, path: Path) -> None:
    slow = Slow(path, patience_s=0.01)
    assert slow.write_long(add("a")) == 1
    slow.migrate("store", [lambda conn: None])
    with pytest.raises(Unavailable, match=r"took longer than 0.01 s to write, if it was written is not known"):
        slow.write(add("b"))
    slow._patience_s = PATIENCE_S
    slow.close()
    assert words(file) == ["a", "b"]


def test_closing_while_another_process_holds_the_file_says_what_was_not_written(path: Path) -> None:
    file = SqlFile(path, patience_s=0.05)
    with Path(f"{path}.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        unwritten = file.submit(lambda conn: None)
        with pytest.raises(Unavailable, match="what waits was not written yet"):
            file.close()
    assert unwritten.exception(PATIENCE_S) is None


def test_a_foreign_program_that_holds_the_file_is_named_as_the_reason(file: SqlFile, path: Path) -> None:
    shell = sqlite3.connect(path, isolation_level=None)
    shell.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match=r"database is locked.*Close what has it open"):
        file.write(add("a"))
    shell.close()
    assert file.write(add("a")) == 1


def test_a_forked_child_is_refused(file: SqlFile) -> None:
    child = os.fork()
    if child == 0:
        refused = 0
        for use in (file.read, file.write):
            try:
                use(add("a"))
            except StoreError as error:
                refused += "does not survive a fork" in str(error)
        file.close()
        os._exit(refused)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
    assert file.write(add("a")) == 1


# -- opening and closing


def test_close_commits_what_waits_and_is_idempotent(file: SqlFile, path: Path) -> None:
    with blocked(file):
        futures = [file.submit(add(str(n))) for n in range(500)]
    file.close()
    file.close()
    assert [future.done() for future in futures] == [True] * 500
    assert count_on_disk(path) == 500


def test_a_closed_file_is_refused(file: SqlFile) -> None:
    file.close()
    with pytest.raises(StoreError, match="was closed by this process"):
        file.write(add("a"))
    with pytest.raises(StoreError, match="was closed by this process"):
        words(file)


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    SqlFile(tmp_path / "a" / "b" / "c.db").close()
    assert (tmp_path / "a" / "b" / "c.db").exists()


def test_a_folder_that_can_not_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file")
    with pytest.raises(StoreError, match=r"var/x.db can't be opened: .*check the permissions and the free space of its folder"):
        SqlFile(tmp_path / "var" / "x.db")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_one_clear_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(StoreError, match="check the permissions and the free space of its folder"):
        SqlFile(tmp_path / "x.db")


def test_a_file_that_is_no_database_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("no database " * 1000)
    with pytest.raises(StoreError, match="it is not a database; name another file"):
        SqlFile(tmp_path / "x.db")


def test_a_folder_in_place_of_the_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "x.db").mkdir()
    with pytest.raises(StoreError, match="it is a folder; name a file in it"):
        SqlFile(tmp_path / "x.db")


def test_a_file_without_our_tables_says_so(tmp_path: Path) -> None:
    store = SqlStore(SqlFile(tmp_path / "x.db"))
    with pytest.raises(StoreError, match="has no tables of ours"):
        store.projected_turn()
    store.close()


# -- the schema's version


def version(file: Database) -> object:
    return file.read(lambda conn: conn.exec_driver_sql("SELECT value FROM meta WHERE name = 'store_version'").scalar())


def test_a_file_of_version_0_is_migrated_and_keeps_its_rows(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "old.db")
    old.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER)")
    old.execute("INSERT INTO meta VALUES ('store_version', 0)")
    old.execute("CREATE TABLE process (name TEXT PRIMARY KEY, start TEXT, shape TEXT, registered_at TEXT)")
    old.execute("INSERT INTO process VALUES ('flights_hourly', '2024010100', '{}', ?)", (NOW.isoformat(),))
    old.commit()
    old.close()
    store = SqlStore(SqlFile(tmp_path / "old.db"))
    store.prepare()
    assert (version(store.database), store.processes(), store.projected_turn()) == (len(STEPS), [process_row()], 0)
    store.close()


def test_a_file_of_version_1_gets_what_came_later_and_keeps_its_rows(tmp_path: Path) -> None:
    write_version_1(tmp_path / "old.db")
    store = SqlStore(SqlFile(tmp_path / "old.db"))
    store.prepare()
    (job,), (uow,) = store.active_jobs(), store.uows(["flights_hourly/2024010105/1/1"])
    assert (job.again_at, job.good_runs, job.covered) == (None, 0, "")
    assert (uow.state, uow.slice, uow.arguments) == (UowState.REQUESTED, "", "")
    assert [turn.number for turn in store.turns_after(0, 9)] == [store.projected_turn()] == [1]
    assert columns(store.database) == columns(fresh(tmp_path / "new.db"))
    store.close()


def columns(file: Database) -> set[tuple[str, str]]:
    """Return the tables, indexes and columns of a file."""
    found = "SELECT m.name, coalesce(c.name, '') FROM sqlite_master m LEFT JOIN pragma_table_info(m.name) c"
    return {(table, column) for table, column in file.read(lambda conn: conn.exec_driver_sql(found).all())}


def fresh(path: Path) -> Database:
    """Return a new file with the store's schema as it is today."""
    store = SqlStore(SqlFile(path))
    store.prepare()
    return store.database


def add_step(number: int, conn: sa.Connection) -> None:
    add(f"step {number}")(conn)


def test_steps_run_once_each_and_in_order(file: SqlFile) -> None:
    steps = [partial(add_step, n) for n in range(3)]
    file.migrate("store", steps[:1])
    file.migrate("store", steps)
    file.migrate("store", steps)
    assert (words(file), version(file)) == (["step 0", "step 1", "step 2"], 3)


def test_a_step_that_fails_leaves_the_version_before_it_whole(file: SqlFile) -> None:
    def fail(conn: sa.Connection) -> None:
        add("half")(conn)
        conn.exec_driver_sql("CREATE TABLE half (x)")
        conn.exec_driver_sql("no such word")

    with pytest.raises(StoreError, match="syntax error"):
        file.migrate("store", [lambda conn: None, fail])
    assert (words(file), version(file)) == ([], 1)
    assert not file.read(lambda conn: sa.inspect(conn).has_table("half"))


def test_a_newer_schema_is_left_alone(tmp_path: Path) -> None:
    store = SqlStore(SqlFile(tmp_path / "x.db"))
    store.database.migrate("store", [lambda conn: None] * 7)
    with pytest.raises(SchemaError, match=r"has version 7 of its store, this program knows up to \d; .*install the newer Horarium"):
        store.prepare()
    store.close()


def test_two_that_prepare_at_once_both_find_it_prepared(tmp_path: Path) -> None:
    stores = [SqlStore(SqlFile(tmp_path / "x.db")) for _ in range(2)]
    race(2, lambda n: stores[n].prepare())
    assert [version(store.database) for store in stores] == [len(STEPS)] * 2
    for store in stores:
        store.close()


# -- what the hot path reads


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("SELECT * FROM job WHERE state <= 2", "job_active"),
        ("SELECT id FROM uow WHERE session = 'w' AND state = 'state_in_progress' AND cancel_requested = 1 ORDER BY id", "uow_to_end"),
        ("SELECT * FROM command WHERE state = 'open' ORDER BY number LIMIT 5", "command_open"),
        ("SELECT * FROM session WHERE is_open = 1", "session_open"),
    ],
)
def test_fault_25_what_is_in_flight_is_found_without_walking_history(tmp_path: Path, query: str, index: str) -> None:
    store = SqlStore(SqlFile(tmp_path / "x.db"))
    store.prepare()
    plan = store.database.read(lambda conn: str(conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all()))
    store.close()
    assert index in plan


# -- URLs


@pytest.mark.parametrize("url", ["", "memory", "sqlite:", "sqlite://x.db", "sqlite:///", "sqlite:///:memory:", "sqlite:///x?mode=ro"])
def test_a_url_that_names_no_store_is_refused_with_the_ones_that_do(url: str) -> None:
    with pytest.raises(ConfigError, match=r"can't be used; write one of: sqlite:///var/horarium.db"):
        open_store(url)


def test_no_lock_is_left_beside_a_folder_that_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(StoreError):
        open_store(f"sqlite:///{tmp_path}/data")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_password_in_a_wrong_url_is_not_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        open_store("oracle://ann:secret@host/base")
    assert "secret" not in str(caught.value)


def test_a_relative_url_is_a_path_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    open_store("sqlite:///var/horarium.db").close()
    open_store(f"sqlite:///{tmp_path}/absolute.db").close()
    assert (tmp_path / "var" / "horarium.db").exists()
    assert (tmp_path / "absolute.db").exists()
