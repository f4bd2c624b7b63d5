"""How does a process read and write a database on a server? A pool of connections; each write is a transaction of its own.

No group commit here: the server puts the commits of its clients together by itself, and one thread that waits for a row must not
make the others, a beat above all, wait with it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import NullPool

from system.errors import ConfigError, StoreError, Unavailable
from system.sqldatabase import Database, Product, Step
from system.sqlkind import ServerKind

T = TypeVar("T")

# Threads of one process that are at the store at once; the rest wait.
KEPT, MOST = 5, 20
POOL_S = 10.0
# A firewall forgets a connection that says nothing for long.
OLDEST_S = 900
_POOL = {
    "pool_size": KEPT,
    "max_overflow": MOST - KEPT,
    "pool_timeout": POOL_S,
    "pool_recycle": OLDEST_S,
    "pool_use_lifo": True,
}
# How often a write is begun: the server ends one of two that wait for each other, and the next try nearly always goes through.
TRIES = 5


class _Again(Exception):
    """Nothing was written, and the same write may go through at once."""

    def __init__(self, ours: StoreError) -> None:
        super().__init__(str(ours))
        self.ours = ours


class SqlServer(Database):
    """One database on a server. Nothing is opened before the first call, so a server that is away is told by that."""

    def __init__(self, url: sa.URL, kind: ServerKind) -> None:
        self._url = url
        self._kind = kind
        self._owner = os.getpid()
        self._is_closed = False
        try:
            self._durable = self._engine(durable=True)
            self._quick = self._engine(durable=False) if kind.has_quick_commits else self._durable
            self._patient = self._engine(durable=True, is_patient=True)
        except ImportError as error:
            raise ConfigError(f"a store on {kind.name} needs its driver: pip install '{kind.package}' ({error})") from error
        if unknown := sorted(url.query.keys() - self._taken()):
            names = ", ".join(unknown)
            raise ConfigError(f"the URL of the store {self} has options that its driver doesn't know: {names}; correct their names")
        if fault := kind.tls_fault(url.query):
            raise ConfigError(f"the URL of the store {self} can't be used: {fault}")

    def __str__(self) -> str:
        return self._url.set(query={}).render_as_string(hide_password=True)

    @property
    def is_closed(self) -> bool:
        """See Database."""
        return self._is_closed

    def write(self, fn: Callable[[sa.Connection], T], *, durable: bool = True) -> T:
        """See Database. Where it raises Unavailable, whether this was written is not known."""
        return self._write(fn, self._durable if durable else self._quick)

    def write_long(self, fn: Callable[[sa.Connection], T]) -> T:
        """See Database."""
        return self._write(fn, self._patient)

    def _write(self, fn: Callable[[sa.Connection], T], engine: sa.Engine) -> T:
        self._check_open()
        for left in reversed(range(TRIES)):
            try:
                return self._transact(fn, engine)
            except _Again as again:
                if not left:
                    raise again.ours from again.__cause__
        raise AssertionError("unreachable")

    def read(self, fn: Callable[[sa.Connection], T]) -> T:
        """See Database."""
        return self._read(fn, self._durable)

    def read_long(self, fn: Callable[[sa.Connection], T]) -> T:
        """See Database."""
        return self._read(fn, self._patient)

    def _read(self, fn: Callable[[sa.Connection], T], engine: sa.Engine) -> T:
        self._check_open()
        for left in (1, 0):
            with self._told():
                try:
                    with engine.connect() as conn:
                        return fn(conn)
                except DBAPIError as error:
                    # A connection that died while it lay in the pool: all of them are thrown away by now.
                    if not (error.connection_invalidated and left):
                        raise
        raise AssertionError("unreachable")

    def product(self) -> Product:
        """See Database."""
        return self.read(self._kind.product)

    def migrate(self, part: str, steps: Sequence[Step]) -> None:
        """See Database. One process at a time, since not every server takes changes of tables back."""
        if self.version(part) >= len(steps):
            super().migrate(part, steps)
            return
        with self._told(), self._patient.connect() as conn:
            if wrong := self._kind.product(conn).unsupported:
                raise StoreError(f"the store {self} can't be used: {wrong}")
            self._kind.lock(conn, part)
            try:
                super().migrate(part, steps)
            finally:
                with suppress(DBAPIError):  # it ended with its connection
                    self._kind.unlock(conn, part)

    def close(self) -> None:
        """See Database. In a forked child it leaves the parent's connections alone."""
        if self._is_closed:
            return
        self._is_closed = True
        for engine in {self._durable, self._quick, self._patient}:
            engine.dispose(close=os.getpid() == self._owner)

    def _taken(self) -> set[str]:
        """Return the options that the URL may have: those that the driver takes, and those that SQLAlchemy makes others of."""
        _, given = self._durable.dialect.create_connect_args(self._url)
        made_of = {name for name in self._url.query if name not in given}
        return self._kind.option_names() | made_of

    def _engine(self, *, durable: bool, is_patient: bool = False) -> sa.Engine:
        # What has no limits is rare, so its connections are not kept.
        pool: dict[str, Any] = {"poolclass": NullPool} if is_patient else _POOL
        # The driver begins no transactions by itself: a read is one statement and needs none, a write says BEGIN and COMMIT.
        engine = sa.create_engine(
            self._url.set(drivername=self._kind.driver),
            isolation_level="AUTOCOMMIT",
            skip_autocommit_rollback=True,
            connect_args=self._kind.connect_args(is_patient=is_patient),
            **pool,
        )
        kind = self._kind

        @sa.event.listens_for(engine, "do_connect")
        def _amend(_dialect: Any, _record: Any, _args: Any, given: dict[str, Any]) -> None:
            kind.amend(given)

        @sa.event.listens_for(engine, "connect")
        def _set_up(connection: Any, _record: Any) -> None:
            with connection.cursor() as cursor:
                kind.set_up(cursor)
                if not durable:
                    kind.hurry(cursor)
                if is_patient:
                    kind.be_patient(cursor)

        return engine

    def _transact(self, fn: Callable[[sa.Connection], T], engine: sa.Engine) -> T:
        is_committing = False
        try:
            with self._told(), engine.connect() as conn:
                conn.exec_driver_sql("BEGIN")
                try:
                    result = fn(conn)
                except BaseException:
                    _roll_back(conn)
                    raise
                is_committing = True
                conn.exec_driver_sql("COMMIT")
                return result
        except StoreError as error:
            cause = error.__cause__
            if not isinstance(cause, DBAPIError):
                raise
            meaning = self._kind.meaning(_driver(cause), self._url)
            if meaning.is_elsewhere:
                self._connect_anew()
            if not is_committing and (cause.connection_invalidated or meaning.again):
                raise _Again(error) from cause
            raise

    def _connect_anew(self) -> None:
        """Let go of what is connected: after a switchover it stays with the server that led, which also answers with what is old."""
        for engine in {self._durable, self._quick}:
            engine.dispose()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn the driver's errors into ours."""
        try:
            yield
        except DBAPIError as error:
            cause = _driver(error)
            meaning = self._kind.meaning(cause, self._url)
            said = " ".join(str(part) for part in cause.args).strip().replace("\n", " ")
            if meaning.is_passing or error.connection_invalidated:
                raise Unavailable(f"the store {self} is not available ({said}): {meaning.advice}") from error
            raise StoreError(f"the store {self} can't be used ({said}): {meaning.advice}") from error
        except (PoolTimeout, TimeoutError) as error:
            raise Unavailable(f"the store {self} is not available: {error}; it is tried again") from error
        except OSError as error:  # a driver's, before there is a connection
            why = f"{error.strerror or error}, of a file that the URL names" if error.errno else str(error)
            raise StoreError(f"the store {self} can't be used ({why}): PEM files are expected, which this user can read") from error
        except (SQLAlchemyError, UnicodeError) as error:
            raise StoreError(f"the store {self} refused: {error}") from error

    def _check_open(self) -> None:
        if os.getpid() != self._owner:
            raise StoreError(
                f"{self} was opened by process {self._owner} and is used by its child {os.getpid()}: "
                "a connection does not survive a fork, open the store in the child"
            )
        if self._is_closed:
            raise StoreError(f"{self} was closed by this process; open it again")


def _driver(error: DBAPIError) -> BaseException:
    return error.orig or error


def _roll_back(conn: sa.Connection) -> None:
    try:
        conn.exec_driver_sql("ROLLBACK")
    except SQLAlchemyError:
        conn.invalidate()  # the server undoes what a connection leaves behind
