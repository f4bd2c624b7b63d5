"""What is PostgreSQL's own: its sessions, its locks, its errors?"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from system.sqldatabase import Product
from system.sqlkind import CONNECT_S, IDLE_S, LOCK_S, STATEMENT_S, Meaning, ServerKind
from system.tls import TlsOptions, tls_advice

OLDEST = 12
_UNVERIFIED = ("disable", "allow", "prefer")
# READ COMMITTED: each write is conditional on the row that it changes, and PostgreSQL looks again at a row that it waited for. A stricter
# level would turn every such wait into an error that says "try again", and make nothing safer.
_UTC = "SET TIME ZONE 'UTC'"
_SESSION = (
    "SET default_transaction_isolation = 'read committed'",
    _UTC,
    f"SET statement_timeout = '{STATEMENT_S}s'",
    f"SET lock_timeout = '{LOCK_S}s'",
    f"SET idle_in_transaction_session_timeout = '{IDLE_S}s'",
    # Whoever runs the server may have turned it off for all. What else it can be waits for the disk, and more: that is left as it is.
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
)

_HELD = "55P03"
_LATER = "it is tried again; look at the server if this stays"
# By code, or by the front of a code: https://www.postgresql.org/docs/current/errcodes-appendix.html
_MEANINGS = {
    "40001": Meaning(f"two writes got in each other's way; {_LATER}", is_passing=True, again=True),
    "40P01": Meaning(f"two writes waited for each other; {_LATER}", is_passing=True, again=True),
    _HELD: Meaning(f"somebody else held a row for {LOCK_S} s; look for a stopped process, or an open transaction", is_passing=True),
    "57014": Meaning(f"it took longer than {STATEMENT_S} s, or was canceled; look at the server's load", is_passing=True),
    "57": Meaning(f"the server ended the connection; {_LATER}", is_passing=True),
    "08": Meaning(f"the connection broke; {_LATER}", is_passing=True),
    "25006": Meaning(f"this server takes no writes just now (a standby); {_LATER}", is_passing=True, is_elsewhere=True),
    "25": Meaning(f"a transaction waited too long; {_LATER}", is_passing=True),
    "53100": Meaning("the server's disk is full; free some space there, the work goes on by itself", is_passing=True),
    "53": Meaning("the server is out of connections or memory; raise its limits, or run fewer processes", is_passing=True),
    "58": Meaning("the server can't read or write its disk; look at its log", is_passing=True),
    "42P01": Meaning("there are no tables of ours: it was not prepared (`launch.py db --update`), or it belongs to another program"),
    "42703": Meaning("a table is not as we made it: it was not prepared (`launch.py db --update`), or it belongs to another program"),
    "42501": Meaning("this user may not do that; make it the owner: ALTER DATABASE .. OWNER TO .."),
    "3F000": Meaning("there is no schema to make tables in; CREATE SCHEMA, or change the user's search_path"),
}
_REFUSED = Meaning("nothing is tried again; look at the server's log")


class Postgres(ServerKind):
    """PostgreSQL by psycopg 3."""

    name = "PostgreSQL"
    driver = "postgresql+psycopg"
    package = "psycopg[binary]"
    has_quick_commits = True
    tls = TlsOptions(
        "?sslmode=verify-full&sslrootcert=/path/of/ca.pem, or =system", "&sslcert=/path/of/cert.pem&sslkey=/path/of/key.pem"
    )

    def option_names(self) -> set[str]:
        """See ServerKind."""
        from psycopg.pq import Conninfo  # late: whoever has another store needs no driver for this one

        return {option.keyword.decode() for option in Conninfo.get_defaults()}

    def tls_fault(self, query: Mapping[str, object]) -> str:
        """See ServerKind. By default the driver goes on without TLS where it does not come about."""
        if "sslrootcert" in query and query.get("sslmode", "prefer") in _UNVERIFIED:
            return "sslrootcert says whom to trust, and nobody asks: add sslmode=verify-full"
        return ""

    def connect_args(self, *, is_patient: bool = False) -> dict[str, Any]:  # noqa: ARG002  the server alone has limits here
        """See ServerKind. What is sent and never answered, as by a box that lost its power, is given up by the kernel."""
        return {
            "connect_timeout": CONNECT_S,
            "client_encoding": "utf8",
            "application_name": "horarium",
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 25_000,
        }

    def amend(self, given: dict[str, Any]) -> None:
        """See ServerKind."""

    def set_up(self, cursor: Any) -> None:
        """See ServerKind."""
        cursor.execute("; ".join(_SESSION))

    def speak_utc(self, cursor: Any) -> None:
        """See ServerKind."""
        cursor.execute(_UTC)

    def hurry(self, cursor: Any) -> None:
        """See ServerKind."""
        cursor.execute("SET synchronous_commit = off")

    def be_patient(self, cursor: Any) -> None:
        """See ServerKind."""
        cursor.execute("SET statement_timeout = 0")

    def product(self, conn: sa.Connection) -> Product:
        """See ServerKind."""
        version, encoding, name, now = conn.exec_driver_sql(
            "SELECT current_setting('server_version'), current_setting('server_encoding'), current_database(), clock_timestamp()"
        ).one()
        wrong = ""
        if int(version.partition(".")[0]) < OLDEST:
            wrong = f"PostgreSQL {OLDEST} or later is expected: update the server"
        elif encoding != "UTF8":
            wrong = f"its encoding is {encoding}, which can't hold every text; {_making(name)}"
        return Product(f"PostgreSQL {version.partition(' ')[0]}", wrong, now)

    def lock(self, conn: sa.Connection, name: str) -> None:
        """See ServerKind."""
        try:
            conn.exec_driver_sql(f"SELECT pg_advisory_lock({_number(name)})")
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) == _HELD:
                raise TimeoutError(f"another process migrates it for more than {LOCK_S} s") from error
            raise

    def unlock(self, conn: sa.Connection, name: str) -> None:
        """See ServerKind."""
        conn.exec_driver_sql(f"SELECT pg_advisory_unlock({_number(name)})")

    def meaning(self, error: BaseException, url: sa.URL) -> Meaning:
        """See ServerKind."""
        code = getattr(error, "sqlstate", None)
        if code is None:
            if advice := tls_advice(str(error), self.tls):
                return Meaning(advice, is_passing=True)
            return _of_connecting(str(error), url)
        for length in (5, 2):
            if code[:length] in _MEANINGS:
                return _MEANINGS[code[:length]]
        return _REFUSED


def _number(name: str) -> int:
    return zlib.crc32(name.encode())


def _making(database: object) -> str:
    return f"make it: CREATE DATABASE \"{database}\" ENCODING 'UTF8' TEMPLATE template0"


def _of_connecting(text: str, url: sa.URL) -> Meaning:
    """Return what it means that there is no connection. The driver has no codes for it, so by the words of a server that speaks English."""
    if "database" in text and "does not exist" in text:
        return Meaning(_making(url.database))
    if "role" in text and "does not exist" in text:
        return Meaning(f"make the user: CREATE ROLE \"{url.username}\" LOGIN PASSWORD '..'")
    if "authentication failed" in text or "no password supplied" in text or "no pg_hba.conf entry" in text:
        return Meaning("check user and password in the URL (an @ or / in it is written %40 or %2F), and the server's pg_hba.conf")
    if "invalid" in text and "value" in text:  # as in: invalid sslmode value: "verify-all"
        return Meaning("correct what stands behind the ? of the URL")
    if "too many" in text or "remaining connection slots" in text:
        return Meaning("it has no connection left; raise its max_connections, or run fewer processes", is_passing=True)
    return Meaning(f"is it running, and can this box reach it? {_LATER}", is_passing=True)
