"""What becomes of the errors of MongoDB's driver? Ours, so that nobody above knows that driver."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from bson.errors import BSONError
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteConcernError,
)

from system.errors import StoreError, Unavailable
from system.hidden import hide
from system.tls import TlsOptions, tls_advice

# What a server answers that is stopping, is no primary (any more), or was overtaken by another write: the same call may succeed later.
# So it may where the server forgot a cursor or ended what was under way, and where it has no keys yet or no room in its cache.
PASSING = frozenset(
    (
        *(6, 7, 24, 46, 50, 64, 79, 89, 91, 100, 112, 134, 189, 202, 262, 384, 9001, 10058, 10107, 11600, 11602, 13435, 13436),
        *(43, 175, 237, 11601),
        *(211, 365),
    )
)
# An `_id` that is taken: where a batch is made again it says that an earlier try came that far, so it is no fault beside others.
DUPLICATE_KEY = 11000
_WRONG_PASSWORD = frozenset([18, 8000])
_NOT_ALLOWED = 13
# What the driver says when no server serves: `db1:27017: refused (configured timeouts: ...),db2:27017: ..., Timeout: 5s, Topology ...`. Who
# has not answered at all until then stands in that topology alone.
_PATIENCE_OF_ONE = re.compile(r" \(configured timeouts:[^)]*\)")
_NEXT_SERVER = re.compile(r",(?=\S+:\d+: )")
_SILENT = re.compile(r"<ServerDescription \('([^']+)', (\d+)\) server_type: Unknown, rtt: None>")
_TLS = TlsOptions("tlsCAFile=/path/of/ca.pem", "tlsCertificateKeyFile=/path/of/cert-and-key.pem")


@contextmanager
def translating() -> Iterator[None]:
    """Turn the driver's errors into ours."""
    try:
        yield
    except ServerSelectionTimeoutError as error:
        raise Unavailable(f"no MongoDB server serves: {_reasons(error)}; {_advice(_reasons(error))}") from error
    except (ConnectionFailure, ExecutionTimeout, WriteConcernError) as error:
        raise Unavailable(f"MongoDB can't be reached just now: {_told(error)}; look at the server if this stays") from error
    except BulkWriteError as error:
        if codes(error) - {DUPLICATE_KEY} <= PASSING and codes(error) != {DUPLICATE_KEY}:
            raise Unavailable(f"MongoDB could not do it just now: {_told(error)}; look at the server if this stays") from error
        raise StoreError(_refused(error)) from error
    except OperationFailure as error:
        raise _failure(error) from error
    except (PyMongoError, BSONError, UnicodeEncodeError, OverflowError) as error:
        raise StoreError(_refused(error)) from error


def codes(error: BulkWriteError) -> set[int]:
    """Return the codes of all that went wrong in a bulk of writes."""
    return {fault.get("code", 0) for kind in ("writeErrors", "writeConcernErrors") for fault in error.details.get(kind, ())}


def _failure(error: OperationFailure) -> StoreError:
    if error.code in PASSING:
        return Unavailable(f"MongoDB could not do it just now: {_told(error)}; look at the server if this stays")
    if error.code in _WRONG_PASSWORD and "uthenti" in str(error):
        return StoreError(f"MongoDB takes neither user nor password of the store's URL ({_told(error)}); correct it, or its authSource")
    if error.code == _NOT_ALLOWED:
        return StoreError(f"MongoDB doesn't allow it to this user ({_told(error)}); give it the role readWrite on the store's database")
    return StoreError(_refused(error))


def _refused(error: Exception) -> str:
    return f"MongoDB refused: {type(error).__name__}: {_told(error)}; nothing is retried, look at the server's log"


def _told(error: Exception) -> str:
    """Return what the driver says, without passwords and without what it knows of all servers, which goes on for lines."""
    return hide(str(error)).partition(", full error:")[0][:500]


def _advice(reasons: str) -> str:
    if advice := tls_advice(reasons, _TLS):
        return advice
    if "connection closed" in reasons:  # no more is said of a server that wants TLS, or a certificate
        return f"see that it runs, and whether it wants TLS (tls=true) and a certificate of ours ({_TLS.own})"
    if "available for replica set name" in reasons:
        return "who was asked is of no such set: write replicaSet as the servers call theirs, or leave it out for a standalone server"
    return "see that it runs and can be reached from here"


def _reasons(error: ServerSelectionTimeoutError) -> str:
    """Return each server's own reason, as `db1:27017: [Errno 111] Connection refused; db2:27017: no answer`."""
    told = hide(str(error))
    said = _PATIENCE_OF_ONE.sub("", told.partition(", Timeout:")[0])
    reasons = [] if said.endswith(" found yet") else _NEXT_SERVER.split(said)
    return "; ".join([*reasons, *(f"{host}:{port}: no answer" for host, port in _SILENT.findall(told))])[:500]
