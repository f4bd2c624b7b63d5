"""Which database on a server does a URL name?"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from system.errors import ConfigError
from system.hidden import hide
from system.sqlkind import ServerKind
from system.sqlmysql import MySql
from system.sqlpostgres import Postgres
from system.sqlserver import SqlServer

_KINDS: dict[str, type[ServerKind]] = {"postgresql": Postgres, "mysql": MySql, "mariadb": MySql}


def open_server(url: str) -> SqlServer:
    """Return the database that `url` names; raises ConfigError where it names none. Nothing is connected yet."""
    try:
        made = sa.make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ConfigError(f"the store's URL {hide(url)!r} can't be read; write {_form(url)}, and %40 for an @ in the password") from error
    if made.drivername not in _KINDS or not made.host or not made.database:
        raise ConfigError(f"the store's URL {hide(url)!r} names no database of a server; write {_form(url)}")
    return SqlServer(made, _KINDS[made.drivername]())


def guest_engine(url: str) -> sa.Engine:
    """Return what asks somebody else's database, by the driver that Horarium brings along where it has one; each use connects anew.

    On a server its sessions speak UTC. Raises what SQLAlchemy does, and ImportError where the driver is missing.
    """
    made = sa.make_url(url)
    found = _KINDS.get(made.drivername)
    if found is None:
        return sa.create_engine(made, poolclass=NullPool)
    kind = found()
    engine = sa.create_engine(made.set(drivername=kind.driver), poolclass=NullPool, connect_args=kind.connect_args())

    @sa.event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            kind.speak_utc(cursor)

    return engine


def _form(url: str) -> str:
    return f"{url.partition('://')[0]}://user:password@host:port/database"
