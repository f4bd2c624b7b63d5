"""How does a MariaDB for tests run?"""

from __future__ import annotations

import shutil

import pymysql

from tests.services.machine import run
from tests.services.server import DATABASE, PASSWORD, USER, Server

# Run at each start, before it listens.
_FIRST_WORDS = f"""\
CREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';
GRANT ALL ON *.* TO '{USER}'@'%' WITH GRANT OPTION;
CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4;
"""


class MariaDB(Server):
    """A user `horarium` with all rights, an empty database `horarium`."""

    name, url_name, user = "mariadb", "MARIADB_URL", "mysql"

    @property
    def url(self) -> str:
        """A database that exists; the user may make others."""
        return f"mysql://{USER}:{PASSWORD}@{self.address}:{self.port()}/{DATABASE}"

    @classmethod
    def missing_packages(cls) -> list[str]:
        """Return what is not installed."""
        return [] if shutil.which("mariadbd", path=_PATH) else ["mariadb-server"]

    def ask(self) -> None:
        """Log in and ask something."""
        connection = pymysql.connect(
            host=self.address, port=self.port(), user=USER, password=PASSWORD, database=DATABASE, connect_timeout=2, read_timeout=2
        )
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    def _set_up(self) -> None:
        data, fresh = self.folder / "data", self.folder / "data.new"
        (self.folder / "first.sql").write_text(_FIRST_WORDS)
        if data.exists():
            return
        shutil.rmtree(fresh, ignore_errors=True)
        options = [f"--datadir={fresh}", "--auth-root-authentication-method=normal", "--skip-test-db"]
        run([*self._as_its_user(), "mariadb-install-db", "--no-defaults", *options], env=self._environ(), cwd=self.folder)
        fresh.replace(data)

    def _launch(self) -> None:
        options = [
            f"--datadir={self.folder / 'data'}", f"--bind-address={self.address}", f"--port={self.port()}",
            "--socket=socket", f"--pid-file={self.folder / 'pid'}", f"--init-file={self.folder / 'first.sql'}",
            "--character-set-server=utf8mb4", "--max-connections=200", "--skip-name-resolve",
            "--innodb-flush-log-at-trx-commit=2",  # survives the kill of its process, not the end of the machine
        ]  # fmt: skip
        if self.speaks_tls:
            own = self.own_certificate("server", f"IP:{self.address}")
            options += [f"--ssl-cert={own.file}", f"--ssl-key={own.key}", f"--ssl-ca={self.authority.file}"]
        self._spawn("mariadbd", [shutil.which("mariadbd", path=_PATH) or "mariadbd", "--no-defaults", *options])


_PATH = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"
