"""Which store does a URL name?"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from system.errors import ConfigError
from system.hidden import hide

if TYPE_CHECKING:
    from db.store import Store

SUPPORTED = (
    "sqlite:///var/horarium.db (from the current folder), sqlite:////srv/horarium.db (from the root), mongodb://HOST:PORT/DATABASE, "
    "postgresql://USER:PASSWORD@HOST:PORT/DATABASE, mysql://USER:PASSWORD@HOST:PORT/DATABASE (MariaDB too)"
)


def open_store(url: str, *, may_create: bool = True) -> Store:
    """Return the store that `url` names, not yet prepared. A server is not asked yet, a missing file is made where it `may_create` it.

    Raises ConfigError for a URL that names none, StoreError where its file or folder can't be used, Unavailable where it is away.
    """
    if url == "memory:":
        from db.memory import MemoryStore

        return MemoryStore()
    file = sqlite_path(url)
    if file is not None:
        # Late, as an import of a driver takes a moment that not every command should wait for.
        from db.sql import SqlStore
        from system.sqlfile import SqlFile

        return SqlStore(SqlFile(file, may_create=may_create))
    if is_mongodb(url):
        from db.mongo import MongoStore
        from db.mongo_client import open_database

        return MongoStore(open_database(url))
    if is_sql_server(url):
        from db.sql import SqlStore
        from system.sqlurls import open_server

        return SqlStore(open_server(url))
    raise _useless(url)


def sqlite_path(url: str) -> Path | None:
    """Return the file of an SQLite store; None where `url` names none."""
    scheme, _, path = url.partition(":///")
    return Path(path) if scheme == "sqlite" and path and path != ":memory:" and "?" not in path else None


def is_mongodb(url: str) -> bool:
    """Return whether `url` names a MongoDB server."""
    return url.partition("://")[0] in ("mongodb", "mongodb+srv")


def is_sql_server(url: str) -> bool:
    """Return whether `url` names a PostgreSQL, MariaDB or MySQL server."""
    return url.partition("://")[0] in ("postgresql", "mysql", "mariadb")


def erase_store(url: str) -> None:
    """Remove all that the store on a server keeps; what others keep in the same database stays. A file is not removed by this.

    Raises ConfigError for a URL that names no server, Unavailable or StoreError.
    """
    if is_mongodb(url):
        from db.mongo_client import open_database
        from db.mongo_schema import erase

        erase(open_database(url))
    elif is_sql_server(url):
        from db.sql_schema import erase_tables
        from system.sqlurls import open_server

        with closing(open_server(url)) as database:
            database.write(erase_tables)
    else:
        raise _useless(url)


def _useless(url: str) -> ConfigError:
    return ConfigError(f"the store's URL {_shown(url)!r} can't be used; write one of: {SUPPORTED}")


def _shown(url: str) -> str:
    """Return `url` without what may be a password."""
    front, at, back = url.rpartition("@")
    return f"{front.partition('://')[0]}://...@{back}" if at else hide(url)
