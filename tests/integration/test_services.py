"""Do the servers for tests come up, survive a kill, and go without a trace? Root on Debian; elsewhere skipped, or failed in CI."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pika
import psycopg
import pymongo
import pymysql
import pytest

from system import processes
from tests.services.machine import is_free, is_root
from tests.services.mariadb import MariaDB
from tests.services.mongodb import DocumentDB, mongodb
from tests.services.postgresql import PostgreSQL
from tests.services.rabbitmq import RabbitMQ
from tests.services.server import Server
from tests.support.sources import ROOT

pytestmark = pytest.mark.service
KINDS: dict[str, Callable[[Path], Server]] = {"rabbitmq": RabbitMQ, "postgresql": PostgreSQL, "mariadb": MariaDB, "mongodb": mongodb}


@pytest.fixture(scope="module", params=KINDS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of this module's own, kept between tests: a start takes seconds."""
    made = KINDS[request.param](tmp_path_factory.mktemp("servers") / request.param)
    if made.missing_packages() or (isinstance(made, DocumentDB) and not is_root()):
        missing = f"{made.name} is not installed: `scripts/services.sh up` as root does it"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    yield made
    made.remove()


def write(server: Server) -> None:
    if isinstance(server, RabbitMQ):
        with pika.BlockingConnection(pika.URLParameters(server.url)) as connection:
            channel = connection.channel()
            channel.queue_declare("kept", durable=True)
            channel.confirm_delivery()
            channel.basic_publish("", "kept", b"1", pika.BasicProperties(delivery_mode=2))
        # A declaration that comes while the log is dumped may wait in a buffer for two seconds: who is killed then never had the queue.
        server.control("eval", "mnesia:sync_log().")
    elif isinstance(server, PostgreSQL):
        with psycopg.connect(server.url) as postgres:
            postgres.execute("CREATE TABLE kept AS SELECT 1 AS one")
    elif isinstance(server, MariaDB):
        with open_mariadb(server) as mariadb, mariadb.cursor() as cursor:
            cursor.execute("CREATE TABLE kept AS SELECT 1 AS one")
    else:
        with pymongo.MongoClient[dict[str, Any]](server.url) as client:
            client["a"]["kept"].insert_one({"one": 1})


def read(server: Server) -> int:
    if isinstance(server, RabbitMQ):
        with pika.BlockingConnection(pika.URLParameters(server.url)) as connection:
            return int(connection.channel().basic_get("kept")[2])
    if isinstance(server, PostgreSQL):
        with psycopg.connect(server.url) as postgres:
            return int(postgres.execute("SELECT one FROM kept").fetchall()[0][0])
    if isinstance(server, MariaDB):
        with open_mariadb(server) as mariadb, mariadb.cursor() as cursor:
            cursor.execute("SELECT one FROM kept")
            return int(cursor.fetchall()[0][0])
    with pymongo.MongoClient[dict[str, Any]](server.url) as client:
        return int(client["a"]["kept"].find_one({})["one"])  # type: ignore[index]


def open_mariadb(server: MariaDB) -> Any:
    return pymysql.connect(host=server.address, port=server.port(), user="horarium", password="horarium", database="horarium")


def test_what_was_written_survives_a_kill_at_the_same_url(server: Server) -> None:
    url = server.start().url
    write(server)
    server.kill()
    assert not server.answers()
    assert server.start().url == url
    assert read(server) == 1


def test_one_of_its_processes_that_died_makes_all_of_it_start_anew(server: Server) -> None:
    before = server.start().processes()
    processes.end(before[-1])
    assert server.start().answers()
    assert not set(before) & set(server.processes())


def test_a_second_start_finds_the_server_and_a_stop_ends_all_of_it(server: Server) -> None:
    started = server.start().processes()
    again = type(server)(server.folder)
    assert again.start().processes() == started
    again.stop()
    assert [one for one in started if processes.is_alive(one)] == []
    assert is_free(server.address, server.port())


def call(home: Path, *words: str, **environ: str) -> tuple[int, str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    argv = [sys.executable, "-m", "tests.services", *words]
    done = subprocess.run(argv, cwd=ROOT, env={**plain, "SERVICES_HOME": str(home), **environ}, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_a_server_elsewhere_is_named_without_its_password_and_not_started(tmp_path: Path) -> None:
    url = "mongodb://ann:secret@db.test/a"
    assert call(tmp_path, "status", "mongodb", MONGODB_URL=url) == (0, "mongodb     elsewhere        mongodb://ann:***@db.test/a\n", "")
    assert call(tmp_path, "up", "mongodb", MONGODB_URL=url)[0] == 0
    assert not (tmp_path / "mongodb").exists()


def test_what_is_misspelt_is_refused_with_what_there_is(tmp_path: Path) -> None:
    there_are = "rabbitmq, postgresql, mariadb, mongodb, browser, prometheus"
    assert call(tmp_path, "up", "rabbit") == (2, "", f"error: there is no server rabbit; there are {there_are}\n")
    assert call(tmp_path, "restart") == (2, "", "error: restart is unknown; usage: services.sh up|down|status [NAME...]\n")


def test_a_server_that_is_down_is_shown_by_the_exit_code(tmp_path: Path) -> None:
    assert call(tmp_path, "status", "mariadb") == (1, "mariadb     down             -\n", "")
    assert call(tmp_path, "down", "mariadb") == (0, "", "")
