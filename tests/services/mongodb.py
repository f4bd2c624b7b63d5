"""How does a MongoDB for tests run? A mongod that is installed, else DocumentDB behind the gateway."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import psutil
import psycopg
import pymongo

from system import processes
from system.processes import Identity
from tests.services import documentdb_root
from tests.services.machine import NoServer, run
from tests.services.server import LOOPBACK, Server
from tests.support.sources import ROOT

_SETTINGS = """
unix_socket_directories = ''
shared_preload_libraries = 'pg_cron, pg_documentdb_core, pg_documentdb'
cron.database_name = 'postgres'
documentdb.useFileBasedPersistedCursors = on
max_connections = 200
"""
_DATA = Path("srv/horarium")  # inside the folder that holds the release


class _MongoDB(Server):
    name, url_name, user, may_be_root = "mongodb", "MONGODB_URL", "root", True

    @property
    def url(self) -> str:
        """Without a database: each test takes one of its own."""
        return f"mongodb://{self.address}:{self.port()}"

    def ask(self) -> None:
        """Ask something."""
        with pymongo.MongoClient[dict[str, object]](self.url, serverSelectionTimeoutMS=1000, socketTimeoutMS=2000) as client:
            client.admin.command("listDatabases")


class Mongod(_MongoDB):
    """MongoDB itself."""

    @classmethod
    def missing_packages(cls) -> list[str]:
        """Return nothing: Debian has none."""
        return []

    def _set_up(self) -> None:
        (self.folder / "data").mkdir(exist_ok=True)

    def _launch(self) -> None:
        where = ["--dbpath", str(self.folder / "data"), "--bind_ip", self.address, "--port", str(self.port()), "--nounixsocket"]
        self._spawn("mongod", [shutil.which("mongod") or "mongod", *where])


class DocumentDB(_MongoDB):
    """PostgreSQL with the document extension, and the gateway before it. Its data are in the cache, a folder for each server."""

    @classmethod
    def missing_packages(cls) -> list[str]:
        """Return what unpacks it the first time."""
        return [] if documentdb_root.is_installed() or shutil.which("debootstrap", path="/usr/sbin:/usr/bin") else ["debootstrap"]

    def remove(self) -> None:
        """Stop it and delete its data."""
        super().remove()
        if documentdb_root.is_installed():
            shutil.rmtree(self._home(), ignore_errors=True)

    def _set_up(self) -> None:
        root = documentdb_root.installed_root()
        _forget_deleted_checkouts(root / _DATA)
        home = self._home()
        if (home / "data").exists():
            return
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        (home / "of").write_text(str(self.folder))
        run(["chroot", str(root), "chown", "postgres", self._inside()])
        run(self._chroot("initdb", "-D", f"{self._inside()}/fresh", "-A", "trust", "--no-sync"), env=self._environ())
        with (home / "fresh/postgresql.conf").open("a") as conf:
            conf.write(_SETTINGS)
        with (home / "fresh/pg_hba.conf").open("a") as access:
            access.write("host all all samenet trust\n")
        (home / "fresh").replace(home / "data")

    def _launch(self) -> None:
        # Loopback for the extension's own workers; the address, so that this process can ask from another network namespace.
        addresses = ",".join(dict.fromkeys([LOOPBACK, self.address]))
        where = ["-c", f"listen_addresses={addresses}", "-c", f"port={self.port('database')}"]
        self._spawn("postgres", self._chroot("postgres", "-D", f"{self._inside()}/data", *where))
        database = f"postgresql://postgres@{self.address}:{self.port('database')}/postgres"
        self.wait_for(lambda: _extend(database))
        gateway = [sys.executable, "-m", "tests.services.gateway", "--database", database]
        self._spawn("gateway", [*gateway, "--address", self.address, "--port", str(self.port())], env={"PYTHONPATH": str(ROOT)})

    def _left(self) -> Iterable[Identity]:
        """Return the children of a killed postmaster, which end by themselves in a moment."""
        data = str(self._home() / "data")
        for process in psutil.process_iter():
            try:
                if process.name().startswith("postgres") and process.cwd() == data and (found := processes.identity_of(process.pid)):
                    yield found
            except psutil.Error:
                continue

    def _home(self) -> Path:
        return documentdb_root.cache().resolve() / "root" / self._inside().lstrip("/")

    def _inside(self) -> str:
        """Return where its data are, as seen from inside."""
        return f"/{_DATA}/{hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]}"

    def _chroot(self, program: str, *words: str) -> list[str]:
        root = documentdb_root.cache() / "root"
        found = max(root.glob("usr/lib/postgresql/*/bin"), key=lambda path: int(path.parts[-2]), default=None)
        if found is None:
            raise NoServer(f"{root} holds no PostgreSQL; delete {root.parent} and start again")
        return ["chroot", "--userspec=postgres", str(root), f"/{found.relative_to(root) / program}", *words]


def mongodb(folder: Path, *, address: str = LOOPBACK, prefix: Sequence[str] = ()) -> Mongod | DocumentDB:
    """Return the kind that this machine has."""
    kind = Mongod if shutil.which("mongod") else DocumentDB
    return kind(folder, address=address, prefix=prefix)


def _extend(database: str) -> None:
    with psycopg.connect(database, connect_timeout=2) as connection:
        connection.execute("SET client_min_messages = warning")
        connection.execute("CREATE EXTENSION IF NOT EXISTS documentdb CASCADE")


def _forget_deleted_checkouts(homes: Path) -> None:
    """Delete the data of servers whose folder is gone, and which nobody runs."""
    for of in homes.glob("*/of"):
        if not Path(of.read_text()).parent.exists():
            shutil.rmtree(of.parent, ignore_errors=True)
