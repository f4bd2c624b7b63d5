"""How do tests get a database on an SQL server for themselves? One for all tests of a run, emptied between them, dropped in the end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from db import sql_schema
from db.sql import SqlStore
from db.urls import open_store
from system.sqldatabase import META

DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "mariadb": "mysql+pymysql"}


@contextmanager
def own_sql_database(server: str, name: str = "contract") -> Iterator[str]:
    """Make a database on a server for the length of this context; yields its URL."""
    url = sa.make_url(server)
    name = f"horarium_test_{name}_{os.getpid()}"
    engine = sa.create_engine(url.set(drivername=DRIVERS[url.drivername]), isolation_level="AUTOCOMMIT")
    encoded = "ENCODING 'UTF8' TEMPLATE template0" if url.drivername == "postgresql" else "CHARACTER SET latin1"
    forced = " WITH (FORCE)" if url.drivername == "postgresql" else ""
    drop = f"DROP DATABASE IF EXISTS {name}{forced}"
    with engine.connect() as conn:
        conn.exec_driver_sql(drop)
        conn.exec_driver_sql(f"CREATE DATABASE {name} {encoded}")
        try:
            yield url.set(database=name).render_as_string(hide_password=False)
        finally:
            conn.exec_driver_sql(drop)
    engine.dispose()


def empty_store(url: str) -> SqlStore:
    """Return the store of a test's own database, open, prepared, and without any record."""
    store = open_store(url)
    assert isinstance(store, SqlStore)
    store.prepare()
    store.database.write(_empty, durable=False)
    return store


def _empty(conn: sa.Connection) -> None:
    for table in sql_schema.metadata.sorted_tables:
        conn.execute(sa.delete(table))
    conn.execute(sa.delete(META).where(META.c.name.not_like("%version")))
    conn.execute(sa.insert(META).values(name=sql_schema.PROJECTED_TURN, value=0))
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql("SELECT setval('command_number_seq', 1, false)")
    else:
        conn.exec_driver_sql("ALTER TABLE command AUTO_INCREMENT = 1")
