"""What does the SQL store ask of the database beneath it, be it a file or a server? And how does an older schema become the newer one?"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa

from system.errors import SchemaError

T = TypeVar("T")
Step = Callable[[sa.Connection], None]

META = sa.Table(
    "meta",
    sa.MetaData(),
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Product:
    """What a database runs on, such as `SQLite 3.45.1`; what is wrong with that, empty where nothing is; the server's clock, if any."""

    name: str
    unsupported: str = ""
    now: datetime | None = None


class Database(ABC):
    """One database, opened by one process; every thread may call it.

    Each verb raises Unavailable where the same call may succeed later, StoreError else.
    """

    @abstractmethod
    def write(self, fn: Callable[[sa.Connection], T], *, durable: bool = True) -> T:
        """Return what `fn` returned, after its changes were committed; raises what it raised, its changes undone.

        `fn` only runs statements, and may be called again where the database undid its changes. With `durable=False` they may be
        lost, whole, when the machine stops (not when the process does), or the server, which other processes outlive.
        """

    def write_long(self, fn: Callable[[sa.Connection], T]) -> T:
        """Return what `write` would, however long its statements take: for what touches all there is, as a change of the schema does."""
        return self.write(fn)

    def write_anew(self, fn: Callable[[sa.Connection], T]) -> T:
        """Return what `write` would. Where another database has come in place of the one that this process goes by, write to that."""
        return self.write(fn)

    @property
    def is_replaced(self) -> bool:
        """Whether another database lies in this one's place, restored from a backup. Only a file can tell."""
        return False

    def renew(self) -> None:  # noqa: B027  most have nothing to do
        """Go by the database that lies there now, since this process begins anew; raises Unavailable where there is none."""

    @abstractmethod
    def read(self, fn: Callable[[sa.Connection], T]) -> T:
        """Return what `fn` read. Each of its statements sees the latest commit; it fetches all it wants."""

    def read_long(self, fn: Callable[[sa.Connection], T]) -> T:
        """Return what `read` would, however long its statements take: for what counts all there is."""
        return self.read(fn)

    @abstractmethod
    def product(self) -> Product:
        """Return what this database runs on."""

    @abstractmethod
    def close(self) -> None:
        """Let go of all connections. Idempotent."""

    @property
    @abstractmethod
    def is_closed(self) -> bool:
        """Whether `close` was called."""

    @abstractmethod
    def __str__(self) -> str:
        """Return what a person knows the database by, without any password."""

    def version(self, part: str) -> int:
        """Return the version of `part` of the schema; 0 where there is nothing of it."""
        return self.read(lambda conn: version_of(conn, part))

    def migrate(self, part: str, steps: Sequence[Step]) -> None:
        """Bring `part` of the schema to version `len(steps)`, each step in a transaction of its own; raises SchemaError when it is newer.

        `steps[n]` leads from version n to n + 1. Several processes may call this at once.
        """
        found = self.version(part)
        if found > len(steps):
            raise SchemaError(
                f"{self} has version {found} of its {part}, this program knows up to {len(steps)}; "
                "nothing was changed: install the newer Horarium that wrote it, or name another store"
            )
        for number in range(found, len(steps)):
            self.write_long(lambda conn, n=number: _climb(conn, part, n, steps[n]))  # type: ignore[misc]


def version_of(conn: sa.Connection, part: str) -> int:
    """Return the version of `part` of the schema; 0 where there is nothing of it."""
    if not sa.inspect(conn).has_table(META.name):
        return 0
    return conn.execute(sa.select(META.c.value).where(META.c.name == _row(part))).scalar() or 0


def _row(part: str) -> str:
    return f"{part}_version"


def _climb(conn: sa.Connection, part: str, number: int, step: Step) -> None:
    META.create(conn, checkfirst=True)
    if version_of(conn, part) != number:
        return  # another process was first
    step(conn)
    changed = conn.execute(sa.update(META).where(META.c.name == _row(part)).values(value=number + 1))
    if not changed.rowcount:
        conn.execute(sa.insert(META).values(name=_row(part), value=number + 1))
