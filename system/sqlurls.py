"""Which database on a server does a URL name?"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

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


def with_driver(url: sa.URL) -> tuple[sa.URL, dict[str, Any]]:
    """Return a URL with the driver that Horarium brings along, and what that is given beside it; any other URL as it is."""
    kind = _KINDS.get(url.drivername)
    return (url.set(drivername=kind.driver), kind().connect_args()) if kind else (url, {})


def _form(url: str) -> str:
    return f"{url.partition('://')[0]}://user:password@host:port/database"
