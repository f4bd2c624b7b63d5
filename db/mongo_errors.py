"""What becomes of the errors of MongoDB's driver? Ours, so that nobody above knows that driver."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bson.errors import BSONError
from pymongo.errors import ConnectionFailure, ExecutionTimeout, PyMongoError, WriteConcernError

from system.errors import StoreError, Unavailable


@contextmanager
def translating() -> Iterator[None]:
    """Turn the driver's errors into ours."""
    try:
        yield
    except (ConnectionFailure, ExecutionTimeout, WriteConcernError) as error:
        raise Unavailable(f"MongoDB can't be reached just now: {error}; it is tried again, look at the server if this stays") from error
    except (PyMongoError, BSONError, UnicodeEncodeError, OverflowError) as error:
        raise StoreError(f"MongoDB refused: {type(error).__name__}: {error}; nothing is retried, look at the server's log") from error
