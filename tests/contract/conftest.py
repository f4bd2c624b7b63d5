"""Which backends does the contract hold for? Each store in turn; only the one asked for is built."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from db.memory import MemoryStore
from db.mongo import MongoStore
from db.store import Store
from tests.support.mongo import mock_database


@pytest.fixture(params=["memory", "mongomock", "sqlite"])
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
