"""Does a database on a server hold what the store counts on, when connections die, writes cross, and several prepare at once?"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from threading import Barrier

import pytest
import sqlalchemy as sa

from db.sql import SqlStore
from db.sql_schema import STEPS, metadata
from db.urls import erase_store, open_store
from system import sqlmysql, sqlpostgres
from system.errors import ConfigError, SchemaError, StoreError, Unavailable
from system.sqlserver import SqlServer
from system.sqlurls import open_server
from tests.support.builders import PROCESS, job, process_row, turn, uow
from tests.support.services import service_url
from tests.support.sql_servers import own_sql_database
from tests.support.stores import commit, race

pytestmark = pytest.mark.service

SERVERS = {"postgresql": "POSTGRES_URL", "mariadb": "MARIADB_URL"}
KILL = {"postgresql": "SELECT pg_terminate_backend({})", "mysql": "KILL {}"}
OWN_ID = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT CONNECTION_ID()"}
SLEEP = {"postgresql": "SELECT pg_sleep(1)", "mysql": "SELECT SLEEP(1)"}
TAKES_NO_WRITES = {"postgresql": "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "mysql": "SET SESSION TRANSACTION READ ONLY"}
IMPATIENT = {"postgresql": "SET LOCAL lock_timeout = '50ms'", "mysql": "SET SESSION innodb_lock_wait_timeout = 1"}


@pytest.fixture(scope="module", params=sorted(SERVERS))
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An own database on each server in turn."""
    with own_sql_database(service_url(SERVERS[request.param]), "server") as made:
        yield made


@pytest.fixture
def database(url: str) -> Iterator[SqlServer]:
    """A database with one table `word`: a number and a text."""
    opened = open_server(url)
    opened.write(lambda conn: conn.exec_driver_sql("CREATE TABLE word (id INTEGER PRIMARY KEY, said VARCHAR(20) NOT NULL)"))
    opened.write(lambda conn: conn.exec_driver_sql("INSERT INTO word VALUES (1, 'one'), (2, 'two')"))
    yield opened
    if opened.is_closed:
        opened = open_server(url)
    opened.write(lambda conn: conn.exec_driver_sql("DROP TABLE word"))
    opened.close()


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    """A store that was not prepared yet."""
    opened = open_store(url)
    assert isinstance(opened, SqlStore)
    yield opened
    opened.close()
    erase_store(url)


def say(conn: sa.Connection, number: int, said: str) -> int:
    """Change a word."""
    return conn.exec_driver_sql(f"UPDATE word SET said = '{said}' WHERE id = {number}").rowcount


def words(database: SqlServer) -> list[str]:
    """Return all words."""
    return list(database.read(lambda conn: conn.exec_driver_sql("SELECT said FROM word ORDER BY id").scalars()))


def own_id(conn: sa.Connection) -> int:
    """Return by what number the server knows a connection."""
    return int(conn.exec_driver_sql(OWN_ID[conn.dialect.name]).scalar_one())


def kill(database: SqlServer, number: int) -> None:
    """End a connection, from another one."""
    other = open_server(database._url.render_as_string(hide_password=False))
    other.read(lambda conn: conn.exec_driver_sql(KILL[conn.dialect.name].format(number)))
    other.close()


# -- writes


def test_a_failed_write_raises_its_own_error_and_leaves_nothing(database: SqlServer) -> None:
    def fail(conn: sa.Connection) -> None:
        say(conn, 1, "changed")
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        database.write(fail)
    assert words(database) == ["one", "two"]


@pytest.mark.parametrize("durable", [True, False])
def test_a_write_returns_its_result_and_is_read_at_once(database: SqlServer, *, durable: bool) -> None:
    assert database.write(lambda conn: say(conn, 2, "zwei"), durable=durable) == 1
    assert words(database) == ["one", "zwei"]


def test_a_connection_that_died_in_the_pool_is_replaced(database: SqlServer) -> None:
    kill(database, database.read(own_id))
    assert words(database) == ["one", "two"]
    kill(database, database.read(own_id))
    assert database.write(lambda conn: say(conn, 1, "eins")) == 1


@pytest.mark.parametrize("durable", [True, False])
def test_connections_to_a_server_that_takes_no_writes_any_more_are_made_anew(database: SqlServer, *, durable: bool) -> None:
    """As after a switchover: what is connected stays with the server that leads no longer, who connects gets the one that leads."""
    words(database)
    for lives_on in (True, False):
        database.write(lambda conn: conn.exec_driver_sql(TAKES_NO_WRITES[conn.dialect.name]), durable=lives_on)
    with pytest.raises(Unavailable, match="takes no writes just now"):
        database.write(lambda conn: say(conn, 1, "eins"), durable=durable)
    assert database.write(lambda conn: say(conn, 1, "eins"), durable=not durable) == 1
    assert words(database) == ["eins", "two"]


@pytest.mark.parametrize(("said", "expected"), [("off", "on"), ("on", "on"), ("remote_apply", "remote_apply"), ("local", "local")])
def test_commits_wait_for_the_disk_also_where_the_server_is_told_otherwise(said: str, expected: str) -> None:
    with own_sql_database(service_url(SERVERS["postgresql"]), "lasting") as url, closing(open_server(url)) as before:
        before.write(lambda conn: conn.exec_driver_sql(f'ALTER DATABASE "{sa.make_url(url).database}" SET synchronous_commit = {said}'))
        with closing(open_server(url)) as opened:
            assert [opened.write(commits, durable=lasts) for lasts in (True, False)] == [expected, "off"]


def commits(conn: sa.Connection) -> str:
    """Return what commits of a connection wait for."""
    return str(conn.exec_driver_sql("SHOW synchronous_commit").scalar_one())


def test_a_write_whose_connection_dies_before_its_commit_is_made_again(database: SqlServer) -> None:
    tries: list[int] = []

    def change(conn: sa.Connection) -> int:
        tries.append(own_id(conn))
        if len(tries) == 1:
            kill(database, tries[0])
        return say(conn, 1, f"try {len(tries)}")

    assert database.write(change) == 1
    assert (len(tries), words(database)) == (2, ["try 2", "two"])


def test_two_writes_that_wait_for_each_other_are_both_written(database: SqlServer) -> None:
    both = Barrier(2)
    tries: list[int] = []

    def cross(number: int) -> None:
        def change(conn: sa.Connection) -> None:
            tries.append(number)
            say(conn, 1 + number, f"{number} was here")
            if tries.count(number) == 1:
                both.wait(10)
            say(conn, 2 - number, f"{number} was there")

        database.write(change)

    race(2, cross)
    assert len(tries) == 3
    assert words(database) in (["0 was here", "0 was there"], ["1 was there", "1 was here"])


def test_a_row_that_is_held_for_long_makes_the_store_unavailable(database: SqlServer, url: str) -> None:
    other = open_server(url)

    def hold(conn: sa.Connection) -> None:
        say(conn, 1, "held")
        with pytest.raises(Unavailable, match="somebody else held a row"):
            other.write(lambda theirs: (theirs.exec_driver_sql(IMPATIENT[theirs.dialect.name]), say(theirs, 1, "wanted")))

    database.write(hold)
    other.close()
    assert words(database) == ["held", "two"]


# -- who may use it


def test_a_closed_database_is_refused(database: SqlServer) -> None:
    database.close()
    database.close()
    with pytest.raises(StoreError, match="was closed by this process"):
        words(database)


def test_a_forked_child_is_refused(database: SqlServer) -> None:
    words(database)
    child = os.fork()
    if not child:
        try:
            database.write(lambda conn: say(conn, 1, "child"))
        except StoreError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert words(database) == ["one", "two"]


# -- the schema


def test_eight_that_prepare_at_once_make_one_schema(url: str, store: SqlStore) -> None:
    stores = [open_store(url) for _ in range(8)]
    race(8, lambda n: stores[n].prepare())
    assert store.database.version("store") == len(STEPS)
    commit(stores[0], turn(1, jobs=[job()], opened=[uow()]))
    assert [opened.projected_turn() for opened in stores] == [1] * 8
    for opened in stores:
        opened.close()


def columns(store: SqlStore) -> dict[str, dict[str, tuple[str, bool]]]:
    """Return which columns the tables have, with their types, and whether they may be empty."""

    def look(conn: sa.Connection) -> dict[str, dict[str, tuple[str, bool]]]:
        there = sa.inspect(conn)
        kinds = {name: there.get_columns(name) for name in sorted(metadata.tables)}
        return {name: {c["name"]: (repr(c["type"]), c["nullable"]) for c in found} for name, found in kinds.items()}

    return store.database.read(look)


def test_an_older_schema_grows_into_the_same_as_a_new_one(store: SqlStore) -> None:
    store.prepare()
    made = columns(store)
    commit(store, turn(1, registered=[process_row()]))

    def age(conn: sa.Connection) -> None:
        for table, column in (("uow", "slice"), ("process", "reopen"), ("job", "good_runs")):
            conn.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN {column}")
        conn.exec_driver_sql("DROP TABLE box_wish")
        conn.exec_driver_sql("UPDATE meta SET value = 1 WHERE name = 'store_version'")

    store.database.write(age)
    store.prepare()
    assert columns(store) == made
    assert (store.processes(), store.projected_turn()) == ([process_row()], 1)


@pytest.fixture
def impatient(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqlServer]:
    """A server whose statements may take half a second, as it is told and as it is waited for."""
    monkeypatch.setattr(sqlpostgres, "_SESSION", (*sqlpostgres._SESSION, "SET statement_timeout = '500ms'"))
    monkeypatch.setattr(sqlmysql, "_MARIADB", f"{sqlmysql._MARIADB}, max_statement_time = 0.5")
    monkeypatch.setattr(sqlmysql, "_SOCKET_S", 0.8)
    opened = open_server(url)
    yield opened
    opened.write_long(lambda conn: conn.exec_driver_sql("DROP TABLE IF EXISTS meta"))
    opened.close()


def sleep(conn: sa.Connection) -> None:
    """Have the server work on a statement for longer than that."""
    conn.exec_driver_sql(SLEEP[conn.dialect.name])


def test_only_what_touches_all_there_is_takes_as_long_as_it_needs(impatient: SqlServer) -> None:
    impatient.migrate("slow", [lambda _: None, sleep])
    assert impatient.version("slow") == 2
    impatient.write_long(sleep)
    impatient.read_long(sleep)
    with pytest.raises(Unavailable, match="longer than"):
        impatient.read(sleep)


def test_the_store_mends_and_counts_however_long_it_takes(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.prepare()
    for verb in ("read", "write"):
        monkeypatch.setattr(store.database, verb, lambda *_: pytest.fail("by a call that has a limit"))
    assert store.sizes()["jobs"] == 0
    store.mend()


def test_who_waits_for_another_that_migrates_is_told_so(impatient: SqlServer, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlpostgres, "_SESSION", (*sqlpostgres._SESSION, "SET lock_timeout = '50ms'"))
    monkeypatch.setattr(sqlmysql, "LOCK_S", 0)
    other = open_server(url)

    def step(_: sa.Connection) -> None:
        with pytest.raises(Unavailable, match="another process migrates it"):
            other.migrate("slow", [lambda _: None])

    impatient.migrate("slow", [step])
    other.close()


def test_a_newer_schema_is_refused(store: SqlStore) -> None:
    store.prepare()
    store.database.migrate("store", [lambda _: None] * 9)
    with pytest.raises(SchemaError, match="has version 9 of its store, this program knows up to"):
        store.prepare()


def test_a_store_that_was_not_prepared_is_told_so(store: SqlStore) -> None:
    with pytest.raises(StoreError, match="it was not prepared"):
        store.active_jobs()


def test_ids_are_told_apart_byte_by_byte_and_come_in_their_order(store: SqlStore) -> None:
    store.prepare()
    names = ["A", "a", "a ", "ä", "é", "z", "Z", "_"]
    store.project(turn(1, registered=[process_row(name) for name in names]), [])
    assert [row.name for row in store.processes()] == sorted(names)


def test_what_a_turn_projects_lasts_as_the_turn_does(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A leader outlives a server that crashes, and projects nothing anew: units of work that the server forgot would never come back."""
    store.prepare()
    write, lasting = store.database.write, []

    def note(fn: Callable[[sa.Connection], None], *, durable: bool = True) -> None:
        lasting.append(durable)
        write(fn, durable=durable)

    monkeypatch.setattr(store.database, "write", note)
    store.project(turn(1, opened=[uow()]), [])
    assert lasting == [True]


def test_what_others_keep_in_the_same_database_stays(url: str, store: SqlStore, database: SqlServer) -> None:
    store.prepare()
    commit(store, turn(1, jobs=[job()]))
    erase_store(url)
    assert words(database) == ["one", "two"]
    store.prepare()
    assert (store.projected_turn(), store.jobs(PROCESS, [job().timeperiod])) == (0, [])


# -- what is said of what is wrong


def changed(url: str, **parts: object) -> SqlServer:
    """Return the database of another URL, with a password that must never be shown."""
    made = sa.make_url(url).set(password="hush-hush", **parts)  # type: ignore[arg-type]
    return open_server(made.render_as_string(hide_password=False))


@pytest.mark.parametrize(
    ("parts", "error", "said"),
    [
        ({"port": 1}, Unavailable, "is it running"),
        ({"host": "nowhere.invalid"}, Unavailable, "is it running"),
        ({"username": "stranger"}, StoreError, "make the user|check user and password"),
    ],
    ids=["port", "host", "user"],
)
def test_a_server_that_does_not_let_us_in_is_told_without_the_password(
    url: str, parts: dict[str, object], error: type[StoreError], said: str
) -> None:
    database = changed(url, **parts)
    with pytest.raises(error, match=said) as caught:
        words(database)
    assert "hush-hush" not in str(caught.value)
    assert type(caught.value) is error


def test_a_missing_database_is_told_with_the_statement_that_makes_it(url: str) -> None:
    missing = open_server(sa.make_url(url).set(database="nowhere").render_as_string(hide_password=False))
    with pytest.raises(StoreError, match=r"make it: CREATE DATABASE .nowhere."):
        words(missing)


@pytest.mark.parametrize("url", ["postgresql://", "postgresql://box", "mysql://me:pass/word@box:port/db", "mariadb:///db"])
def test_a_url_that_names_no_database_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="://user:password@host:port/database") as caught:
        open_store(url)
    assert "pass/word" not in str(caught.value)
