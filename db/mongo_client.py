"""How is a MongoDB server asked? One client for all threads, patience that ends, and what each thread has seen is never taken back.

On a replica set writes wait for the majority's disks and reads bring back only what the majority has, from the primary. That alone
lets a new primary answer, for a moment after a failover, with less than it acknowledged before; so each thread keeps a causally
consistent session, in which a read waits until it covers every write and read before it. `linearizable` would do for one document
only, and not on a standalone server. There and on servers without sessions a read sees what was written before it anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, local
from typing import Any
from urllib.parse import urlsplit
from warnings import catch_warnings, simplefilter

import pymongo
from bson.timestamp import Timestamp
from pymongo import MongoClient, ReadPreference, WriteConcern
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.driver_info import DriverInfo
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from db.documents import Row
from db.mongo_errors import translating
from system.errors import ConfigError
from system.hidden import hide

DEFAULT_DATABASE = "horarium"

# Milliseconds. Each step towards a server ends in time, so that a server that hangs is an error and not a standstill. A big batch may
# take long on a slow disk; a beat must not, see BRIEF_S.
_PATIENCE = {
    "serverSelectionTimeoutMS": 5_000,
    "connectTimeoutMS": 5_000,
    "socketTimeoutMS": 30_000,
    "waitQueueTimeoutMS": 5_000,
}
_LASTING = WriteConcern(w="majority", j=True, wtimeout=20_000)
BRIEF_S = 5.0

_SETS = ("ReplicaSetWithPrimary", "ReplicaSetNoPrimary", "Sharded")


def open_database(url: str) -> Database[Row]:
    """Return the database that `url` names, by default `horarium`, over a client of its own; nothing is sent yet.

    Write concern, read concern and read preference are ours, whatever the URL says. Raises ConfigError for a URL that can't be used.
    """
    try:
        with catch_warnings():
            simplefilter("error", UserWarning)  # how the driver says that an option of the URL is unknown or wrong
            # `connect=False`: threads and connections begin at the first call, so that a fork before it has none.
            client: MongoClient[Row] = MongoClient(url, connect=False, driver=DriverInfo("horarium"), **_missing(url, _PATIENCE))
        return client.get_default_database(
            DEFAULT_DATABASE, read_preference=ReadPreference.PRIMARY, write_concern=_LASTING, read_concern=ReadConcern("majority")
        )
    except OSError as error:  # ssl's errors are such, too
        raise ConfigError(
            f"the store's URL {hide(url)!r} names files for TLS that can't be used: {hide(str(error))}; "
            "PEM files are expected, which this user can read"
        ) from error
    except (PyMongoError, ValueError, UserWarning) as error:
        raise ConfigError(
            f"the store's URL {hide(url)!r} can't be used: {hide(str(error))}; write mongodb://HOST:PORT/DATABASE"
        ) from error


def _missing(url: str, options: dict[str, int]) -> dict[str, Any]:
    """Return those of `options` that the URL doesn't set itself."""
    said = urlsplit(url).query.lower()
    return {name: value for name, value in options.items() if f"{name.lower()}=" not in said}


class Talk:
    """The way in which one store talks to its server. For any thread; what one of them did, all of them see from then on."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._of_thread = local()
        self._seen: Timestamp | None = None
        self._lock = Lock()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Turn the driver's errors into ours, and let what is asked inside see all that was seen and written before."""
        with translating():
            session = self._session()
            if session is None:
                yield
                return
            if self._seen is not None:
                session.advance_operation_time(self._seen)
            try:
                with session.bind(end_session=False):
                    yield
            finally:
                self._see(session.operation_time)

    @contextmanager
    def brief(self) -> Iterator[None]:
        """Be the same, and end after BRIEF_S with Unavailable, however many servers hang."""
        with self(), pymongo.timeout(BRIEF_S):
            yield

    def _see(self, at: Timestamp | None) -> None:
        with self._lock:
            if at is not None and (self._seen is None or at > self._seen):
                self._seen = at

    def _session(self) -> ClientSession | None:
        """Return the session of this thread; None where the server is no replica set, or isn't known yet."""
        if not isinstance(self._client, MongoClient) or self._client.topology_description.topology_type_name not in _SETS:
            return None
        found: ClientSession | None = getattr(self._of_thread, "session", None)
        if found is None:
            found = self._of_thread.session = self._client.start_session(causal_consistency=True)
        return found
