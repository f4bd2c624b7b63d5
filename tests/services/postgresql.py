"""How does a PostgreSQL for tests run? Debian's newest, loopback, passwords asked for."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import psutil
import psycopg

from system import processes
from system.processes import Identity
from tests.services.machine import NoServer, give, run
from tests.services.server import DATABASE, PASSWORD, USER, Server

_SETTINGS = """
unix_socket_directories = ''
max_connections = 200
# Survives the kill of its processes, not the end of the machine.
fsync = off
"""


class PostgreSQL(Server):
    """A superuser `horarium`, an empty database `horarium`."""

    name, url_name, user = "postgresql", "POSTGRES_URL", "postgres"
    stop_signal = 2  # INT: "fast", open sessions are ended

    @property
    def url(self) -> str:
        """A database that exists; the user may make others."""
        return f"postgresql://{USER}:{PASSWORD}@{self.address}:{self.port()}/{DATABASE}"

    @classmethod
    def missing_packages(cls) -> list[str]:
        """Return what is not installed."""
        return [] if _folder_of_programs() else ["postgresql"]

    def ask(self) -> None:
        """Log in and ask something."""
        with psycopg.connect(self.url, connect_timeout=2) as connection:
            connection.execute("SELECT 1")

    def _set_up(self) -> None:
        data, fresh, password = self.folder / "data", self.folder / "data.new", self.folder / "password"
        if data.exists():
            return
        shutil.rmtree(fresh, ignore_errors=True)
        password.write_text(PASSWORD)
        give(password, self.user)
        before = self._as_its_user()
        options = ["-A", "scram-sha-256", "-U", USER, f"--pwfile={password}", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        run([*before, str(self._program("initdb")), "-D", str(fresh), *options], env=self._environ(), cwd=self.folder)
        with (fresh / "postgresql.conf").open("a") as conf:
            conf.write(_SETTINGS)
        alone = [str(self._program("postgres")), "--single", "-D", str(fresh), "postgres"]
        run([*before, *alone], env=self._environ(), cwd=self.folder, said=f"CREATE DATABASE {DATABASE}\n")
        with (fresh / "pg_hba.conf").open("a") as access:
            access.write("host all all samenet scram-sha-256\n")
        fresh.replace(data)

    def _launch(self) -> None:
        where = ["-c", f"listen_addresses={self.address}", "-c", f"port={self.port()}"]
        if self.speaks_tls:
            own = self.own_certificate("server", f"IP:{self.address}")
            given = {"ssl": "on", "ssl_cert_file": own.file, "ssl_key_file": own.key, "ssl_ca_file": self.authority.file}
            where += [word for name, value in given.items() for word in ("-c", f"{name}={value}")]
        self._spawn("postgres", [str(self._program("postgres")), "-D", str(self.folder / "data"), *where])

    def _left(self) -> Iterable[Identity]:
        """Return the children of a killed postmaster; each ends by itself when it next looks up, and until then none can be started."""
        data = str(self.folder / "data")
        for process in psutil.process_iter():
            try:
                if process.name() == "postgres" and process.cwd() == data and (found := processes.identity_of(process.pid)):
                    yield found
            except psutil.Error:
                continue

    def _program(self, name: str) -> Path:
        folder = _folder_of_programs()
        if folder is None:
            raise NoServer("PostgreSQL is not installed: `apt-get install postgresql`")
        return folder / name


def _folder_of_programs() -> Path | None:
    """Return where the newest installed version has its programs."""
    found = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    newest = max(found, key=lambda path: int(path.parts[-3]), default=None)
    return newest.parent if newest else None
