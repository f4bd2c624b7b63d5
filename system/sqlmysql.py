"""What is MariaDB's and MySQL's own: their sessions, their locks, their errors?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from inspect import signature
from typing import Any

import sqlalchemy as sa

from system.sqldatabase import Product
from system.sqlkind import CONNECT_S, IDLE_S, LOCK_S, STATEMENT_S, Meaning, ServerKind
from system.tls import TlsOptions, tls_advice

OLDEST_MARIADB, OLDEST_MYSQL = (10, 6), (8, 0, 17)
_FOUND_ROWS = 2
_FORGETFUL = {"ssl_verify_cert", "ssl_verify_identity"}
# By what is broken before, the server's own limits have told: STATEMENT_S and LOCK_S.
_SOCKET_S = STATEMENT_S + 5

# READ COMMITTED: the default, REPEATABLE READ, locks the gaps between keys too, and so makes strangers wait for each other.
_SESSION = (
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
    f"SET SESSION time_zone = '+00:00', default_storage_engine = 'InnoDB', innodb_lock_wait_timeout = {LOCK_S}",
)
_MARIADB = f"SET SESSION max_statement_time = {STATEMENT_S}, idle_transaction_timeout = {IDLE_S}"
_MYSQL = f"SET SESSION max_execution_time = {STATEMENT_S * 1000}"

_MARIADB_PATIENT = f"SET SESSION max_statement_time = 0, lock_wait_timeout = {LOCK_S}"
_MYSQL_PATIENT = f"SET SESSION max_execution_time = 0, lock_wait_timeout = {LOCK_S}"

_LATER = "it is tried again; look at the server if this stays"
_GONE = Meaning(f"the connection broke; {_LATER}", is_passing=True)
_AWAY = Meaning(f"is it running, and can this box reach it? {_LATER}", is_passing=True)
_FULL = Meaning("the server has no connection left; raise its max_connections, or run fewer processes", is_passing=True)
_SLOW = Meaning(f"it took longer than {STATEMENT_S} s, or was canceled; look at the server's load", is_passing=True)
_DISK = Meaning("the server's disk is full; free some space there, the work goes on by itself", is_passing=True)
_STANDBY = Meaning(f"this server takes no writes just now; {_LATER}", is_passing=True, is_elsewhere=True)
_CROSSED = Meaning(f"two writes waited for each other; {_LATER}", is_passing=True, again=True)
_HELD = Meaning(f"somebody else held a row for {LOCK_S} s; look for a stopped process, or an open transaction", is_passing=True)
_NO_TABLES = Meaning("the tables are not ours: it was not prepared (`launch.py db --update`), or it belongs to another program")
_FORBIDDEN = Meaning("this user may not do that; GRANT ALL PRIVILEGES ON the database TO it")
_LARGE = Meaning("a record is larger than the server takes in one piece; raise its max_allowed_packet")
_REFUSED = Meaning("nothing is tried again; look at the server's log")

# https://mariadb.com/kb/en/mariadb-error-codes/; those from 2000 on are the driver's.
_MEANINGS = {
    **dict.fromkeys((2002, 2003, 2005), _AWAY),
    **dict.fromkeys((0, 2006, 2013, 2014, 2055, 1053, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 4031), _GONE),
    **dict.fromkeys((1040, 1129, 1203, 1226), _FULL),
    **dict.fromkeys((1317, 1969, 3024), _SLOW),
    **dict.fromkeys((1021, 1114), _DISK),
    **dict.fromkeys((1290, 1792, 1836), _STANDBY),
    **dict.fromkeys((1020, 1213), _CROSSED),
    1205: _HELD,
    **dict.fromkeys((1054, 1146), _NO_TABLES),
    **dict.fromkeys((1044, 1142, 1143, 1227), _FORBIDDEN),
    1153: _LARGE,
    1045: Meaning("check user and password in the URL (an @ or / in it is written %40 or %2F), and what the user was granted"),
}


class MySql(ServerKind):
    """MariaDB or MySQL by PyMySQL."""

    name = "MariaDB"
    driver = "mysql+pymysql"
    package = "PyMySQL"
    has_quick_commits = False
    tls = TlsOptions("?ssl_ca=/path/of/ca.pem", "&ssl_cert=/path/of/cert.pem&ssl_key=/path/of/key.pem")

    def option_names(self) -> set[str]:
        """See ServerKind. SQLAlchemy makes one of those that are about TLS."""
        from pymysql.connections import Connection  # late: whoever has another store needs no driver for this one

        return {*signature(Connection).parameters}

    def tls_fault(self, query: Mapping[str, object]) -> str:
        """See ServerKind. The driver verifies certificate and host where it has an authority's file, else the certificate at most."""
        said = {name for name in query if name.startswith("ssl_")} - {"ssl_disabled"}
        if wrong := sorted(said & _FORGETFUL):
            return f"with {wrong[0]} the driver forgets ssl_ca, and the host: say ssl_ca alone, certificate and host are verified then"
        if said and not said & {"ssl_ca", "ssl_capath"}:
            return f"with {min(said)} alone the server's certificate is not verified: add ssl_ca=/path/of/ca.pem"
        return ""

    def connect_args(self, *, is_patient: bool = False) -> dict[str, Any]:
        """See ServerKind. Who is patient is told by the kernel of a server that is gone, in its own time."""
        read_s = None if is_patient else _SOCKET_S
        return {"connect_timeout": CONNECT_S, "read_timeout": read_s, "write_timeout": _SOCKET_S, "charset": "utf8mb4"}

    def amend(self, given: dict[str, Any]) -> None:
        """See ServerKind. Counts what was changed, not what was found: else an insert that found its key taken would count as one."""
        given["client_flag"] = given.get("client_flag", 0) & ~_FOUND_ROWS

    def set_up(self, cursor: Any) -> None:
        """See ServerKind."""
        for statement in _SESSION:
            cursor.execute(statement)
        cursor.execute("SELECT VERSION()")
        cursor.execute(_MARIADB if "MariaDB" in cursor.fetchone()[0] else _MYSQL)

    def speak_utc(self, cursor: Any) -> None:
        """See ServerKind. Without it a TIMESTAMP is one of the server's own zone."""
        cursor.execute("SET SESSION time_zone = '+00:00'")

    def hurry(self, cursor: Any) -> None:
        """See ServerKind. It is the whole server's setting here: innodb_flush_log_at_trx_commit."""

    def be_patient(self, cursor: Any) -> None:
        """See ServerKind. A change of a table waits for its readers by a limit of its own, a day unless it is said."""
        cursor.execute("SELECT VERSION()")
        cursor.execute(_MARIADB_PATIENT if "MariaDB" in cursor.fetchone()[0] else _MYSQL_PATIENT)

    def product(self, conn: sa.Connection) -> Product:
        """See ServerKind. Its tables bring their own character set."""
        is_mariadb, version = conn.dialect.is_mariadb, conn.dialect.server_version_info or ()  # type: ignore[attr-defined]
        name, oldest = ("MariaDB", OLDEST_MARIADB) if is_mariadb else ("MySQL", OLDEST_MYSQL)
        wrong = "" if version >= oldest else f"{name} {_dotted(oldest)} or later is expected: update the server"
        now: datetime = conn.exec_driver_sql("SELECT UTC_TIMESTAMP(6)").scalar_one()
        return Product(f"{name} {_dotted(version)}", wrong, now.replace(tzinfo=UTC))

    def lock(self, conn: sa.Connection, name: str) -> None:
        """See ServerKind."""
        # Names of locks are the whole server's. It waits no longer than a statement may take.
        if conn.exec_driver_sql("SELECT GET_LOCK(CONCAT(DATABASE(), %s), %s)", (f".{name}"[:20], LOCK_S)).scalar() != 1:
            raise TimeoutError(f"another process migrates it for more than {LOCK_S} s")

    def unlock(self, conn: sa.Connection, name: str) -> None:
        """See ServerKind."""
        conn.exec_driver_sql("SELECT RELEASE_LOCK(CONCAT(DATABASE(), %s))", (f".{name}"[:20],))

    def meaning(self, error: BaseException, url: sa.URL) -> Meaning:
        """See ServerKind."""
        code = error.args[0] if error.args else None
        if code == 1049:
            return Meaning(f"make it: CREATE DATABASE `{url.database}` CHARACTER SET utf8mb4")
        if advice := tls_advice(str(error), self.tls):
            return Meaning(advice, is_passing=True)
        return _MEANINGS.get(code, _REFUSED) if isinstance(code, int) else _REFUSED


def _dotted(version: tuple[int | str, ...]) -> str:
    return ".".join(map(str, version[:3]))
