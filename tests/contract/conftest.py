"""Which backends does the contract hold for? Each store in turn; only the one asked for is built."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from db.memory import MemoryStore
from db.mongo import MongoStore
from db.store import Store
from tests.support.mongo import mock_database
from tests.support.services import service_url
from tests.support.sql_servers import empty_store, own_database


@pytest.fixture(params=["memory", "mongomock", "sqlite", "postgresql", "mariadb"])
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
def sqlite(tmp_path: Path) -> Store:
    from db.urls import open_store

    return open_store(f"sqlite:///{tmp_path / 'horarium.db'}")


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    with own_database(service_url("POSTGRES_URL")) as url:
        yield url


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    with own_database(service_url("MARIADB_URL")) as url:
        yield url


@pytest.fixture
def postgresql(postgresql_url: str) -> Store:
    return empty_store(postgresql_url)


@pytest.fixture
def mariadb(mariadb_url: str) -> Store:
    return empty_store(mariadb_url)
