"""How is a server for tests started, found again, stopped and killed? A folder holds all of it, and who its processes are.

    server = RabbitMQ(tmp_path / "rabbitmq").start()
    server.kill()      # as `kill -9` of all its processes
    server.start()     # at the same port, over the same data
    server.remove()

Started twice it is one server: its processes are known by pid and creation time, also to another Python. Nothing else is signalled.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from system import processes
from system.clock import RealClock
from system.processes import Identity
from tests.services.certificates import Authority, Certificate
from tests.services.machine import NoServer, as_user, free_port, give, is_free

USER = PASSWORD = DATABASE = "horarium"
LOOPBACK = "127.0.0.1"
_CLOCK = RealClock()
_LAST_LINES = 15
_MEMORY = "server.json"


class Server(ABC):
    """One server in a folder of its own. `prefix` is put before its commands: `["ip", "netns", "exec", "host-4"]`.

    Where a kind `speaks_tls`, its certificate is made before it starts, unless it is there.
    """

    name: ClassVar[str]
    url_name: ClassVar[str]
    user: ClassVar[str]
    may_be_root: ClassVar[bool] = False
    stop_signal: ClassVar[int] = signal.SIGTERM
    patience_s: ClassVar[float] = 60.0
    stop_s: ClassVar[float] = 20.0
    speaks_tls: ClassVar[bool] = False

    def __init__(self, folder: Path, *, address: str = LOOPBACK, prefix: Sequence[str] = ()) -> None:
        self.folder = folder.resolve()
        self.address = address
        self.prefix = tuple(prefix)
        self._children: list[subprocess.Popen[bytes]] = []

    @property
    @abstractmethod
    def url(self) -> str:
        """Its URL, with user and password; known once it was started for the first time."""

    @property
    def authority(self) -> Authority:
        """Who vouches for it where it speaks TLS, and for its clients; made when it is asked for."""
        return Authority(self.folder / "tls", f"{self.name} for tests")

    @classmethod
    @abstractmethod
    def missing_packages(cls) -> list[str]:
        """Return Debian's packages that it needs and that are not installed."""

    @abstractmethod
    def ask(self) -> None:
        """Return where it answers a client that logs in; raises the client's error where not."""

    @abstractmethod
    def _launch(self) -> None:
        """Start its processes by `_spawn`."""

    @abstractmethod
    def _set_up(self) -> None:
        """Make its data, unless they are there; over a set-up that was killed half way."""

    def start(self) -> Self:
        """Return once it answers; does nothing where it does already."""
        self.folder.mkdir(parents=True, exist_ok=True)
        give(self.folder, self.user)
        if self.is_whole() and self._succeeds(self.ask, self.patience_s / 2):
            return self
        self.stop()
        self._wait_for_ports()
        self._set_up()
        self._launch()
        self.wait_for(self.ask)
        return self

    def stop(self) -> None:
        """Stop it as its own tools do, and kill what is left after a while; does nothing where nothing runs."""
        for identity in reversed(self.processes()):
            processes.send_signal(identity, self.stop_signal)
            _wait_until_gone([identity], self.stop_s)
        self.kill()

    def kill(self) -> None:
        """Kill all its processes at once, without a warning."""
        self.send_signal(signal.SIGKILL)
        _wait_until_gone(self.processes(), self.stop_s)
        _wait_until_gone(self._left(), self.stop_s)
        for child in self._children:
            child.wait()
        self._children.clear()
        self._remember(processes=[])

    def send_signal(self, signum: int) -> None:
        """Send each of its processes a signal: STOP and CONT make it hang for a while."""
        for identity in self.processes():
            processes.send_signal(identity, signum)

    def remove(self) -> None:
        """Stop it and delete its data."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def answers(self) -> bool:
        """Return whether a client can log in now."""
        return self._succeeds(self.ask, 0)

    def state(self) -> str:
        """Return how it is, in few words, for `status`."""
        if not self.processes():
            return "down"
        return "answers" if self.answers() else "does not answer"

    def wait_for(self, attempt: Callable[[], None]) -> None:
        """Return once `attempt` no longer raises; ends the server and raises NoServer where it goes on to, or a process has ended."""
        if not self._succeeds(attempt, self.patience_s):
            last = self.last_words()
            self.kill()
            raise NoServer(f"{self.name} in {self.folder} does not answer; it last said:\n{last}")

    def processes(self) -> list[Identity]:
        """Return those of its processes that live, in the order of their start."""
        known = [Identity(pid, created_s) for pid, created_s in self._memory().get("processes", [])]
        return [identity for identity in known if processes.is_alive(identity)]

    def is_whole(self) -> bool:
        """Return whether all its processes live."""
        return 0 < len(self.processes()) == len(self._memory().get("processes", []))

    def port(self, name: str = "main") -> int:
        """Return the port for a purpose; the same one at each start, as long as no stranger has it."""
        ports: dict[str, int] = self._memory().get("ports", {})
        if name not in ports:
            ports[name] = free_port(self.address)
            self._remember(ports=ports)
        return ports[name]

    def last_words(self) -> str:
        """Return the end of what it printed."""
        lines = [line for path in sorted(self.folder.glob("*.out")) for line in path.read_text(errors="replace").splitlines()]
        return "\n".join(lines[-_LAST_LINES:])

    def _spawn(self, what: str, argv: Sequence[str], *, env: Mapping[str, str] | None = None) -> None:
        """Start a process that outlives this one and remember it; its words go to `<what>.out`."""
        before = self._as_its_user()
        with (self.folder / f"{what}.out").open("ab") as out:
            child = subprocess.Popen(
                [*self.prefix, *before, *argv],
                env=self._environ(env), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        self._children.append(child)
        identity = processes.identity_of(child.pid, or_ended=True)
        if identity is not None:
            known = [[one.pid, one.created_s] for one in self.processes()]
            self._remember(processes=[*known, [identity.pid, identity.created_s]])

    def own_certificate(self, name: str, *names: str) -> Certificate:
        """Return the certificate called `name` of the server's own authority, made where it is not there yet; for its user to read."""
        made = Certificate(self.authority.folder / f"{name}.pem", self.authority.folder / f"{name}.key")
        if not made.file.exists():
            self.authority.certificate(name, names)
            for path in (made.file.parent, self.authority.file, made.file, made.key):
                give(path, self.user)
        return made

    def _as_its_user(self) -> list[str]:
        return as_user(self.user, self.folder, may_be_root=self.may_be_root)

    def _environ(self, env: Mapping[str, str] | None = None) -> dict[str, str]:
        path = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
        return {"PATH": path, "LC_ALL": "C.UTF-8", "HOME": str(self.folder), **(env or {})}

    def _left(self) -> Iterable[Identity]:
        """Return what may outlive its main process for a moment, and must be gone before the next start."""
        return ()

    def _succeeds(self, attempt: Callable[[], None], within_s: float) -> bool:
        """Try until it does; no longer than one of the processes has ended."""
        until = _CLOCK.monotonic() + within_s
        while True:
            try:
                attempt()
            except Exception:  # noqa: BLE001 - of whatever driver
                if not self.is_whole() or _CLOCK.monotonic() >= until:
                    return False
            else:
                return True
            _CLOCK.sleep(0.05)

    def _wait_for_ports(self) -> None:
        """Forget a port that somebody else listens at; first give a server that has just been killed a moment."""
        until = _CLOCK.monotonic() + self.stop_s / 2
        ports: dict[str, int] = self._memory().get("ports", {})
        while ports and not all(is_free(self.address, port) for port in ports.values()):
            if _CLOCK.monotonic() > until:
                self._remember(ports={})
                return
            _CLOCK.sleep(0.05)

    def _memory(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.folder / _MEMORY).read_text())
        except FileNotFoundError:
            return {}
        return found

    def _remember(self, **facts: object) -> None:
        fresh = self.folder / f"{_MEMORY}.new"
        if self.folder.exists():
            fresh.write_text(json.dumps({**self._memory(), **facts}))
            fresh.replace(self.folder / _MEMORY)


def _wait_until_gone(wanted: Iterable[Identity], within_s: float) -> None:
    until = _CLOCK.monotonic() + within_s
    left = list(wanted)
    while (left := [one for one in left if processes.is_alive(one)]) and _CLOCK.monotonic() < until:
        _CLOCK.sleep(0.02)
    for one in left:
        processes.end(one)
