"""How does a process read and write its one SQLite file?

One writer thread per process commits in groups; readers use connections of their own. Store and queue share the file.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from system.errors import StoreError, Unavailable
from system.groupcommit import GroupWriter
from system.sqldatabase import Database, Product, Step, version_of
from system.sqlerrors import ours
from system.sqlplace import FileId, Place

T = TypeVar("T")

# How long a foreign program (a backup, a shell) may hold the file before a call fails.
BUSY_S = 10.0
# How long a write may wait for its turn: a stopped process that holds the lock must not stop the others for ever.
PATIENCE_S = 30.0
OLDEST = (3, 24, 0)  # the first that knows INSERT .. ON CONFLICT
# How long a process that ends may wait for it.
CLOSE_S = 5.0
CACHE_KIB = 8_192
# Pages in the log at which a commit also moves them into the file (the default, 1000, does it in every other large turn).
CHECKPOINT_PAGES = 4_000


class SqlFile(Database):
    """One database file, opened by one process; every thread may call it. It and its folder are created where it `may_create` them.

    While the file is away (moved, or its disk is gone) every call raises Unavailable, and nothing is created in its place. Where another
    file lies there in the end, so does every call but those that are marked `anew`, until `renew`.
    """

    def __init__(self, path: Path, *, patience_s: float = PATIENCE_S, busy_s: float = BUSY_S, may_create: bool = True) -> None:
        self.path = path.absolute()
        self._patience_s = patience_s
        self._owner = os.getpid()
        self._idle: list[tuple[FileId, sa.Connection]] = []
        self._is_closed = False
        self._parts: dict[str, int] = {}
        if may_create:
            self._lock_fd = _open_lock(self.path)
            self._place = Place(self.path, may_create=True)
        else:
            self._place = Place(self.path, may_create=False)
            self._lock_fd = _open_lock(self.path)
        self._first = self._place.taken
        # It never creates: a file that is away must not come back empty.
        url = sa.URL.create("sqlite", database=f"file:{quote(str(self.path))}", query={"mode": "rw", "uri": "true"})
        # The driver opens no transactions by itself: the writer says BEGIN IMMEDIATE, a reader sees the latest commit with every select.
        self._engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool, connect_args={"timeout": busy_s})
        try:
            transactions = _FileTransactions(self.path, self._connection, self._lock_fd, self._place)
        except BaseException:
            os.close(self._lock_fd)
            raise
        self._writer = GroupWriter(transactions, f"writer of {self.path.name}")

    def write(self, fn: Callable[[sa.Connection], T], *, durable: bool = True) -> T:
        """See Database. What several threads write at once becomes one commit."""
        return self._result(self.submit(fn, durable=durable))

    def write_anew(self, fn: Callable[[sa.Connection], T]) -> T:
        """See Database."""
        return self._result(self.submit(fn, anew=True))

    def write_long(self, fn: Callable[[sa.Connection], T]) -> T:
        """See Database. Its turn is waited for as ever; what has begun is its own."""
        return self._result(self.submit(fn), is_long=True)

    def _result(self, future: Future[T], *, is_long: bool = False) -> T:
        try:
            return future.result(self._patience_s)
        except TimeoutError as error:
            if future.cancel():
                raise Unavailable(
                    f"{self.path} was held by another process for {self._patience_s:g} s, nothing was written; "
                    "look for a stopped process of Horarium"
                ) from error
            if is_long or future.done():
                return future.result()
            raise Unavailable(
                f"{self.path} took longer than {self._patience_s:g} s to write, if it was written is not known; look at its disk's load"
            ) from error

    def submit(self, fn: Callable[[sa.Connection], T], *, durable: bool = True, anew: bool = False) -> Future[T]:
        """Return the future of what `write` would return, without waiting. Writes are committed in the order in which they came."""
        self._check_owner()

        def checked(conn: sa.Connection) -> T:
            self._place.check()
            return fn(conn)

        future = self._writer.submit(fn if anew else checked, durable=durable)
        if future is None:
            raise StoreError(f"{self.path} was closed by this process; open it again")
        return future

    def file_id(self) -> FileId:
        """Return which file lies at the path, so that what is remembered of one is not taken for known of another; raises Unavailable."""
        return self._place.look()

    def read(self, fn: Callable[[sa.Connection], T]) -> T:
        """See Database. In the caller's thread; an unfinished cursor would see the past."""
        self._check_owner()
        if self._is_closed:
            raise StoreError(f"{self.path} was closed by this process; open it again")
        file_id = self._place.check()
        try:
            conn = self._reader(file_id)
            try:
                result = fn(conn)
            except BaseException:
                conn.close()
                raise
        except (DBAPIError, sqlite3.Error) as error:
            raise ours(error, self.path) from error
        self._idle.append((file_id, conn))
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

    def migrate(self, part: str, steps: Sequence[Step]) -> None:
        """See Database."""
        super().migrate(part, steps)
        self._parts[part] = len(steps)

    @property
    def is_replaced(self) -> bool:
        """See Database."""
        return self._place.is_replaced

    def renew(self) -> None:
        """See Database."""
        self._place.renew()

    @property
    def is_closed(self) -> bool:
        """See Database."""
        return self._is_closed

    def close(self) -> None:
        """See Database. Commits what waits; in a forked child it leaves the parent's file alone."""
        if self._is_closed or os.getpid() != self._owner:
            return
        self._is_closed = True
        if not self._writer.close(min(self._patience_s, CLOSE_S)):
            # The thread still waits with the file in its hands: it dies with the process, so nothing is torn away from under it.
            raise Unavailable(f"{self.path} is held by another process: what waits was not written yet; look for a stopped process")
        self._close_idle()
        self._engine.dispose()
        os.close(self._lock_fd)

    def _reader(self, file_id: FileId) -> sa.Connection:
        # Two threads may pop and append at once: single steps of a list, so no lock.
        with suppress(IndexError):
            while True:
                found, conn = self._idle.pop()
                if found == file_id:
                    return conn
                conn.close()
        conn = self._connection()
        conn.exec_driver_sql("PRAGMA query_only = ON")
        return conn

    def _connection(self) -> sa.Connection:
        """Return a new connection to the file that lies there now; raises Unavailable where it is none of ours, as an empty one."""
        conn = self._engine.connect()
        if self._place.look() != self._first and any(version_of(conn, part) != number for part, number in self._parts.items()):
            conn.close()
            raise Unavailable(
                f"another file lies at {self.path}, and it has no tables of ours, or those of another version: put the right one back, "
                "and the work goes on by itself"
            )
        return conn

    def _close_idle(self) -> None:
        with suppress(IndexError):
            while True:
                self._idle.pop()[1].close()

    def _check_owner(self) -> None:
        if os.getpid() != self._owner:
            raise StoreError(
                f"{self.path} was opened by process {self._owner} and is used by its child {os.getpid()}: "
                "a connection does not survive a fork, open the store in the child"
            )


class _FileTransactions:
    """The writer's connection; see `system.groupcommit.Transactions`."""

    _driver: sqlite3.Connection

    def __init__(self, path: Path, connect: Callable[[], sa.Connection], lock_fd: int, place: Place) -> None:
        self._path, self._connect, self._lock_fd, self._place = path, connect, lock_fd, place
        self._open(place.look())

    def _open(self, file_id: FileId) -> None:
        try:
            self._conn = self._connect()
            # Also begins SQLAlchemy's own bookkeeping of a transaction, which never ends: the real ones are begun and ended below.
            self._conn.exec_driver_sql("SELECT 1")
            driver = self._conn.connection.dbapi_connection
            assert isinstance(driver, sqlite3.Connection)
            self._driver = driver
            self._set_up()
        except (DBAPIError, sqlite3.Error) as error:
            raise ours(error, self._path) from error
        self._file_id: FileId | None = file_id

    def _follow(self) -> None:
        """Go over to the file that lies at the path, where that is another one; raises Unavailable where there is none."""
        found = self._place.look()
        if found != self._file_id:
            self._file_id = None
            self._conn.close()
            self._open(found)

    def _set_up(self) -> None:
        if self._pragma("journal_mode") != "wal":
            with self._alone():
                mode = self._pragma("journal_mode = WAL")
            if mode != "wal":
                raise StoreError(f"{self._path} can't be written by several processes at once here ({mode}); move it to a local disk")
        self._pragma("synchronous = FULL")
        self._is_full = True
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
            self._follow()
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
