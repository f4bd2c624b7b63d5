"""Which database of a MongoDB server does a test use? One with a name of its own, emptied between tests, dropped in the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from pymongo import MongoClient
from pymongo.database import Database

from tests.support.services import service_url


def own_database(server: str) -> str:
    """Return the URL of a database on `server` that nobody else uses."""
    return urlsplit(server)._replace(path=f"/test_{uuid4().hex[:12]}").geturl()


def database_of(url: str) -> Database[Any]:
    """Return the database that `url` names, past our own store."""
    return MongoClient[Any](url).get_default_database()


def empty_database(url: str) -> None:
    """Remove every document; collections and their indexes stay."""
    database = database_of(url)
    for name in database.list_collection_names():
        database[name].delete_many({})
    database.client.close()


def drop_database(url: str) -> None:
    """Remove the database."""
    database = database_of(url)
    database.client.drop_database(database.name)
    database.client.close()


@contextmanager
def own_mongodb() -> Iterator[str]:
    """Yield the URL of a database on the MongoDB server for tests, which is dropped in the end."""
    url = own_database(service_url("MONGODB_URL"))
    try:
        yield url
    finally:
        drop_database(url)
