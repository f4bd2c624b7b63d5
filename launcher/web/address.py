"""Where does the dashboard listen, and how do others find it? A socket, and a file that names its address while it runs."""

from __future__ import annotations

import errno
import ipaddress
import json
import socket
from dataclasses import dataclass
from pathlib import Path

from settings import Settings
from system import processes
from system.errors import ConfigError
from system.processes import Identity, own_identity

NONE = "none"
ALWAYS = "always"
HOST, PORT, PORTS = "127.0.0.1", 8642, 20  # by default: the first free one of so many
_BACKLOG = 512


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port; port 0 is any that is free."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether nobody but this machine can get there."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def url(self, scheme: str = "http") -> str:
        """Return where a browser finds it; an address that means all of this machine's is shown as this machine's name."""
        everywhere = self.host in ("0.0.0.0", "::", "")  # noqa: S104  compared, not bound
        host = socket.gethostname() if everywhere else f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}/"


def parsed(text: str) -> Address:
    """Return the address that `HOST:PORT` or `[IPv6]:PORT` names; raises ConfigError."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535 or not host:
        raise ConfigError(f"HORARIUM_MX_LISTEN is {text!r}: expected HOST:PORT such as 127.0.0.1:8642 (port 0: any free one), or {NONE}")
    return Address(host.removeprefix("[").removesuffix("]"), int(port))


def asks_for_login(settings: Settings, address: Address | None = None) -> bool:
    """Say whether who opens the dashboard has to log in: wherever others than this machine can come, or where that is set."""
    given = settings.mx_listen
    address = address or (parsed(given) if given and given != NONE else Address(HOST, PORT))
    return settings.mx_login == ALWAYS or not address.is_loopback


def listening(given: str) -> tuple[socket.socket, Address]:
    """Return a socket that listens where the setting says, and where that is; by default at the first free port from 8642 on.

    Raises ConfigError that says what stands in the way.
    """
    tried = [parsed(given)] if given else [Address(HOST, PORT + at) for at in range(PORTS)]
    refused: OSError | None = None
    for address in tried:
        try:
            family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
            opened = socket.create_server((address.host, address.port), family=family, backlog=_BACKLOG)
        except OSError as error:
            refused = error
            if error.errno != errno.EADDRINUSE:
                break
            continue
        return opened, Address(address.host, opened.getsockname()[1])
    where = given or f"{HOST}:{PORT} to {PORT + PORTS - 1}"
    why = "another program listens there" if refused and refused.errno == errno.EADDRINUSE else str(refused)
    raise ConfigError(f"the dashboard can't listen at {where} ({why}): set HORARIUM_MX_LISTEN to another address (port 0: any free one)")


def told_path(var: Path) -> Path:
    """Return the file that says where the dashboard over a folder is."""
    return var / "run" / "mx.json"


def tell(var: Path, url: str) -> None:
    """Write down where the dashboard is, and which process that is."""
    path, own = told_path(var), own_identity()
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps({"url": url, "pid": own.pid, "created_s": own.created_s}), encoding="utf-8")
    new.replace(path)


def told(var: Path) -> str:
    """Return where the dashboard of a folder is, empty where none runs."""
    return _said(var)[0]


def server_of(var: Path) -> Identity | None:
    """Return the process that serves the dashboard of a folder, None where none runs."""
    return _said(var)[1]


def _said(var: Path) -> tuple[str, Identity | None]:
    try:
        said = json.loads(told_path(var).read_text(encoding="utf-8"))
        url, identity = str(said["url"]), Identity(int(said["pid"]), float(said["created_s"]))
    except (OSError, ValueError, KeyError, TypeError):
        return "", None
    return (url, identity) if processes.is_alive(identity) else ("", None)
