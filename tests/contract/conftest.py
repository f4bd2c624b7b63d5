"""Which backends does the contract hold for? Each store in turn; only the one asked for is built."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from db.memory import MemoryStore
from db.mongo import MongoStore
from db.store import Store
from tests.support.contention import Arena, crowd_of_processes
from tests.support.mongo import mock_database
from tests.support.mongo_server import drop_database, empty_database, own_database
from tests.support.services import service_url
from tests.support.sql_servers import empty_store, own_sql_database

IN_PROCESS = ("memory", "mongomock")
SERVERS = ("mongodb", "postgresql", "mariadb")


@pytest.fixture(params=["memory", "mongomock", "sqlite", *(pytest.param(name, marks=pytest.mark.service) for name in SERVERS)])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A prepared, empty store."""
    opened: Store = request.getfixturevalue(request.param)
    opened.prepare()
    yield opened
    opened.close()


@pytest.fixture
def memory() -> Store:
    return MemoryStore()


@pytest.fixture
def mongomock() -> Store:
    return MongoStore(mock_database())


@pytest.fixture
def mongodb(mongodb_url: str) -> Store:
    from db.urls import open_store

    empty_database(mongodb_url)
    return open_store(mongodb_url)


@pytest.fixture(scope="session")
def mongodb_url() -> Iterator[str]:
    """A database of the session's own: to make its collections takes longer than to empty them."""
    url = own_database(service_url("MONGODB_URL"))
    yield url
    drop_database(url)


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    with own_sql_database(service_url("POSTGRES_URL")) as url:
        yield url


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    with own_sql_database(service_url("MARIADB_URL")) as url:
        yield url


@pytest.fixture
def postgresql(postgresql_url: str) -> Store:
    return empty_store(postgresql_url)


@pytest.fixture
def mariadb(mariadb_url: str) -> Store:
    return empty_store(mariadb_url)


@pytest.fixture
def sqlite(sqlite_url: str) -> Store:
    from db.urls import open_store

    return open_store(sqlite_url)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'horarium.db'}"


@pytest.fixture(scope="session")
def crowd() -> Iterator[ProcessPoolExecutor]:
    """Eight processes to fight for records."""
    with crowd_of_processes() as processes:
        yield processes


@pytest.fixture
def arena(request: pytest.FixtureRequest, store: Store) -> Arena:
    """Where eight fight over `store`. A backend that other processes can open has a fixture with its URL, named after it."""
    backend = request.node.callspec.params["store"]
    url = "" if backend in IN_PROCESS else request.getfixturevalue(f"{backend}_url")
    return Arena(store, url, lambda: request.getfixturevalue("crowd"))
