"""Which store does a URL name?"""

from __future__ import annotations

from pathlib import Path

from db.memory import MemoryStore
from db.store import Store
from system.errors import ConfigError

SUPPORTED = (
    "sqlite:///var/horarium.db (from the current folder), sqlite:////srv/horarium.db (from the root), "
    "postgresql://user:password@host/database, mysql://user:password@host/database (MariaDB, MySQL)"
)
_SERVERS = ("postgresql", "mysql", "mariadb")


def open_store(url: str) -> Store:
    """Return the store that `url` names, not yet prepared.

    Raises ConfigError for a URL that names none, StoreError where its file or folder can't be used.
    """
    if url == "memory:":
        return MemoryStore()
    scheme, _, path = url.partition(":///")
    if scheme == "sqlite" and path and path != ":memory:" and "?" not in path:
        # Late, as an import of SQLAlchemy takes a moment that not every command should wait for.
        from db.sql import SqlStore
        from system.sqlfile import SqlFile

        return SqlStore(SqlFile(Path(path)))
    if url.partition("://")[0] in _SERVERS:
        from db.sql import SqlStore
        from system.sqlurls import open_server

        return SqlStore(open_server(url))
    raise ConfigError(f"the store's URL {_shown(url)!r} can't be used; write one of: {SUPPORTED}")


def _shown(url: str) -> str:
    """Return `url` without what may be a password."""
    front, at, back = url.rpartition("@")
    return f"{front.partition('://')[0]}://...@{back}" if at else url
