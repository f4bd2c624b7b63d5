"""How does a process read and write its one SQLite file?

One writer thread per process commits in groups; readers use connections of their own. Store and queue share the file.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from system.errors import StoreError, Unavailable
from system.groupcommit import GroupWriter
from system.sqldatabase import Database, Product
from system.sqlerrors import ours

T = TypeVar("T")

# How long a foreign program (a backup, a shell) may hold the file before a call fails.
BUSY_S = 10.0
# How long a write may wait for its turn: a stopped process that holds the lock must not stop the others for ever.
PATIENCE_S = 30.0
OLDEST = (3, 24, 0)  # the first that knows INSERT .. ON CONFLICT
CACHE_KIB = 8_192
# Pages in the log at which a commit also moves them into the file (the default, 1000, does it in every other large turn).
CHECKPOINT_PAGES = 4_000


class SqlFile(Database):
    """One database file, opened by one process; every thread may call it. Its folder is created."""

    def __init__(self, path: Path, *, patience_s: float = PATIENCE_S, busy_s: float = BUSY_S) -> None:
        self.path = path.absolute()
        self._patience_s = patience_s
        self._owner = os.getpid()
        self._idle: list[sa.Connection] = []
        self._is_closed = False
        self._lock_fd = _open_lock(self.path)
        url = sa.URL.create("sqlite", database=str(self.path))
        # The driver opens no transactions by itself: the writer says BEGIN IMMEDIATE, a reader sees the latest commit with every select.
        self._engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool, connect_args={"timeout": busy_s})
        try:
            transactions = _FileTransactions(self.path, self._engine, self._lock_fd)
        except BaseException:
            os.close(self._lock_fd)
            raise
        self._writer = GroupWriter(transactions, f"writer of {self.path.name}")

    def write(self, fn: Callable[[sa.Connection], T], *, durable: bool = True) -> T:
        """See Database. What several threads write at once becomes one commit."""
        future = self.submit(fn, durable=durable)
        try:
            return future.result(self._patience_s)
        except TimeoutError as error:
            if future.done():
                raise
            fate = "nothing was written" if future.cancel() else "whether this was written is not known"
            raise Unavailable(
                f"{self.path} was held by another process for {self._patience_s:g} s, {fate}; look for a stopped process of Horarium"
            ) from error

    def submit(self, fn: Callable[[sa.Connection], T], *, durable: bool = True) -> Future[T]:
        """Return the future of what `write` would return, without waiting. Writes are committed in the order in which they came."""
        self._check_owner()
        future = self._writer.submit(fn, durable=durable)
        if future is None:
            raise StoreError(f"{self.path} was closed by this process; open it again")
        return future

    def read(self, fn: Callable[[sa.Connection], T]) -> T:
        """See Database. In the caller's thread; an unfinished cursor would see the past."""
        self._check_owner()
        if self._is_closed:
            raise StoreError(f"{self.path} was closed by this process; open it again")
        try:
            conn = self._reader()
            try:
                result = fn(conn)
            except BaseException:
                conn.close()
                raise
        except (DBAPIError, sqlite3.Error) as error:
            raise ours(error, self.path) from error
        self._idle.append(conn)
        if self._is_closed:
            self._close_idle()
        return result

    def product(self) -> Product:
        """See Database."""
        wanted = ".".join(map(str, OLDEST))
        words = f"SQLite {wanted} or later is expected: install a newer Python, or a newer libsqlite3"
        return Product(f"SQLite {sqlite3.sqlite_version}", "" if sqlite3.sqlite_version_info >= OLDEST else words)

    def __str__(self) -> str:
        return str(self.path)

    @property
    def is_closed(self) -> bool:
        """See Database."""
        return self._is_closed

    def close(self) -> None:
        """See Database. Commits what waits; in a forked child it leaves the parent's file alone."""
        if self._is_closed or os.getpid() != self._owner:
            return
        self._is_closed = True
        if not self._writer.close(self._patience_s):
            # The thread still waits with the file in its hands: it dies with the process, so nothing is torn away from under it.
            raise Unavailable(f"{self.path} is held by another process: what waits was not written yet; look for a stopped process")
        self._close_idle()
        self._engine.dispose()
        os.close(self._lock_fd)

    def _reader(self) -> sa.Connection:
        # Two threads may pop and append at once: single steps of a list, so no lock.
        with suppress(IndexError):
            return self._idle.pop()
        conn = self._engine.connect()
        conn.exec_driver_sql("PRAGMA query_only = ON")
        return conn

    def _close_idle(self) -> None:
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def _check_owner(self) -> None:
        if os.getpid() != self._owner:
            raise StoreError(
                f"{self.path} was opened by process {self._owner} and is used by its child {os.getpid()}: "
                "a connection does not survive a fork, open the store in the child"
            )


class _FileTransactions:
    """The writer's connection; see `system.groupcommit.Transactions`."""

    _driver: sqlite3.Connection

    def __init__(self, path: Path, engine: sa.Engine, lock_fd: int) -> None:
        self._path = path
        self._lock_fd = lock_fd
        self._is_full = True
        try:
            self._conn = engine.connect()
            # Also begins SQLAlchemy's own bookkeeping of a transaction, which never ends: the real ones are begun and ended below.
            self._conn.exec_driver_sql("SELECT 1")
            driver = self._conn.connection.dbapi_connection
            assert isinstance(driver, sqlite3.Connection)
            self._driver = driver
            self._set_up()
        except (DBAPIError, sqlite3.Error) as error:
            raise ours(error, path) from error

    def _set_up(self) -> None:
        if self._pragma("journal_mode") != "wal":
            with self._alone():
                mode = self._pragma("journal_mode = WAL")
            if mode != "wal":
                raise StoreError(f"{self._path} can't be written by several processes at once here ({mode}); move it to a local disk")
        self._pragma("synchronous = FULL")
        self._pragma(f"cache_size = -{CACHE_KIB}")
        self._pragma(f"wal_autocheckpoint = {CHECKPOINT_PAGES}")

    def _pragma(self, text: str) -> Any:
        row = self._driver.execute(f"PRAGMA {text}").fetchone()
        return row and row[0]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the lock among our own processes: the kernel wakes who waits for it, where SQLite would sleep and look again."""
        fcntl.flock(self._lock_fd, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._lock_fd, fcntl.LOCK_UN)

    @contextmanager
    def opened(self, *, durable: bool) -> Iterator[None]:
        with self._alone():
            try:
                if durable is not self._is_full:
                    self._pragma(f"synchronous = {'FULL' if durable else 'NORMAL'}")
                    self._is_full = durable
                self._driver.execute("BEGIN IMMEDIATE")
                yield
                self._driver.execute("COMMIT")
            except (DBAPIError, sqlite3.Error) as error:
                raise ours(error, self._path) from error
            finally:
                if self._driver.in_transaction:
                    self._driver.execute("ROLLBACK")

    def attempt(self, fn: Callable[[sa.Connection], Any]) -> tuple[Any, BaseException | None]:
        self._driver.execute("SAVEPOINT one")
        try:
            result = fn(self._conn)
        except BaseException as error:
            if not self._driver.in_transaction:
                raise  # a full disk and the like take the whole transaction away
            self._driver.execute("ROLLBACK TO one")
            self._driver.execute("RELEASE one")
            return None, _for_caller(error, self._path)
        self._driver.execute("RELEASE one")
        return result, None

    def close(self) -> None:
        self._conn.close()


def _for_caller(error: BaseException, path: Path) -> BaseException:
    if not isinstance(error, (DBAPIError, sqlite3.Error)):
        return error
    mine = ours(error, path)
    mine.__cause__ = error
    return mine


def _open_lock(path: Path) -> int:
    """Return the descriptor of the lock file beside the database, made where it is missing."""
    if path.is_dir():
        raise StoreError(f"the store {path} can't be opened: it is a folder; name a file in it, such as {path / 'horarium.db'}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise StoreError(
            f"the store {path} can't be opened: {error.strerror} ({error.filename}); "
            "check the permissions and the free space of its folder, or name another place for it"
        ) from error
