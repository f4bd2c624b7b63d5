"""Which servers do tests need, and do they run? `scripts/services.sh` calls this.

    scripts/services.sh up [NAME...]       start what does not answer; prints NAME=URL, and writes it into var/services/urls
    scripts/services.sh down [NAME...]     stop what `up` started, and nothing else; the data stay
    scripts/services.sh status [NAME...]   show each server, its URL and whether it answers; exit code 1 where one does not

Names: rabbitmq, postgresql, mariadb, mongodb, browser, prometheus; without one, all of them. A server whose URL is set (AMQP_URL,
POSTGRES_URL, MARIADB_URL, MONGODB_URL) is taken from there and not started. SERVICES_HOME names another folder than var/services, for
servers beside these. `browser` is no server: Chromium and axe-core (AXE_PATH), installed and left there; nor is `prometheus`, which tests
start by themselves.
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from system.hidden import hide
from tests.services.browser import Browser
from tests.services.machine import NoServer, install
from tests.services.mariadb import MariaDB
from tests.services.mongodb import mongodb
from tests.services.postgresql import PostgreSQL
from tests.services.prometheus import Prometheus
from tests.services.rabbitmq import RabbitMQ
from tests.services.server import Server
from tests.support.services import services_home, written_urls

OK, FAILED, MISUSED = 0, 1, 2
Service = Server | Browser | Prometheus


def servers(home: Path, names: Sequence[str]) -> list[Service]:
    """Return the servers called `names`, all where it is empty."""
    every: list[Service] = [
        RabbitMQ(home / "rabbitmq"), PostgreSQL(home / "postgresql"), MariaDB(home / "mariadb"), mongodb(home / "mongodb"),
        Browser(home / "browser"), Prometheus(home / "prometheus"),
    ]  # fmt: skip
    unknown = sorted(set(names) - {server.name for server in every})
    if unknown:
        raise KeyError(f"there is no server {unknown[0]}; there are {', '.join(server.name for server in every)}")
    return [server for server in every if not names or server.name in names]


def up(home: Path, wanted: Sequence[Service], environ: Mapping[str, str]) -> int:
    """Start what is to be started here, at once; tell all faults."""
    here = [server for server in wanted if not environ.get(server.url_name)]
    for server in wanted:
        if server not in here:
            _tell(f"{server.name}: {server.url_name} is set, so none is started")
            server.stop()
    faults = []
    try:
        missing = [package for server in here for package in server.missing_packages()]
        if missing:
            _tell(f"installing {', '.join(missing)}")
            install(missing)
    except NoServer as error:
        faults.append(str(error))
        here = [server for server in here if not server.missing_packages()]
    with ThreadPoolExecutor() as starters:
        for server, fault in zip(here, starters.map(_fault_of_start, here), strict=True):
            if fault:
                faults.append(f"{server.name}: {fault}")
                here = [other for other in here if other is not server]
    _note_urls(home, wanted, {name: url for server in here for name, url in _urls(server).items()}, environ)
    for fault in faults:
        _tell(f"error: {fault}")
    return FAILED if faults else OK


def _fault_of_start(server: Service) -> str:
    try:
        server.start()
    except (NoServer, OSError) as error:
        return str(error)
    return ""


def down(home: Path, wanted: Sequence[Service]) -> int:
    """Stop what runs from `home`."""
    with ThreadPoolExecutor() as stoppers:
        list(stoppers.map(lambda server: server.stop() if server.folder.exists() else None, wanted))
    stopped = {name for server in wanted for name in _url_names(server)}
    _write_urls(home, {name: url for name, url in written_urls(home).items() if name not in stopped})
    return OK


def status(wanted: Sequence[Service], environ: Mapping[str, str]) -> int:
    """Print a line for each."""
    code = OK
    for server in wanted:
        elsewhere = environ.get(server.url_name)
        state = "elsewhere" if elsewhere else server.state()
        if state not in {"elsewhere", "answers", "installed"}:
            code = FAILED
        known = elsewhere or ("-" if state in {"down", "missing"} else server.url)
        _say(f"{server.name:<12}{state:<17}{hide(known)}")
    return code


def _note_urls(home: Path, wanted: Sequence[Service], started: Mapping[str, str], environ: Mapping[str, str]) -> None:
    """Write down where the started ones are, and forget those that are not; tell all of them."""
    names = [name for server in wanted for name in _url_names(server)]
    _write_urls(home, {name: url for name, url in written_urls(home).items() if name not in names} | dict(started))
    for name in names:
        if found := started.get(name) or environ.get(name):
            _say(f"{name}={found}")


def _url_names(server: Service) -> list[str]:
    return [server.url_name, *([server.tls_url_name] if isinstance(server, RabbitMQ) else [])]


def _urls(server: Service) -> dict[str, str]:
    return dict(zip(_url_names(server), [server.url, *([server.tls_url] if isinstance(server, RabbitMQ) else [])], strict=True))


def _write_urls(home: Path, urls: Mapping[str, str]) -> None:
    """Write them whole, for their owner alone."""
    if not home.exists():
        return
    fresh = home / "urls.new"
    fresh.touch(mode=0o600)
    fresh.write_text("".join(f"{name}={url}\n" for name, url in sorted(urls.items())))
    fresh.replace(home / "urls")


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Let one `up` or `down` of a folder run at a time."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def main(argv: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """Return the exit code: 0 well, 1 a server is missing, 2 misused."""
    home = services_home(environ)
    verb, names = (argv[0] if argv else "--help"), argv[1:]
    if verb in {"-h", "--help"}:
        _say(str(__doc__))
        return OK if argv else MISUSED
    try:
        wanted = servers(home, names)
    except KeyError as error:
        _tell(f"error: {error.args[0]}")
        return MISUSED
    if verb == "status":
        return status(wanted, environ)
    if verb not in {"up", "down"}:
        _tell(f"error: {verb} is unknown; usage: services.sh up|down|status [NAME...]")
        return MISUSED
    with _alone(home):
        return up(home, wanted, environ) if verb == "up" else down(home, wanted)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
