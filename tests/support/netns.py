"""How does a test have several machines? As hosts in network namespaces of this one, each on a cable of its own to one switch.

    with Network() as network:
        east, west = network.host("east"), network.host("west")
        process = east.start([sys.executable, "server.py", "--address", east.address])
        west.run(["curl", f"http://{east.address}/"])
        east.cut()      # packets from and to it vanish, as with a pulled cable; its processes go on
        east.heal()

The switch has an address as well (`network.address`), by which this process reaches each host, and each host what listens here. Files
and processes are those of the one machine; only the network is apart. Root only: `netns_or_skip()` says so.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from system import processes
from tests.support.waiting import wait_until

_ALLOWED = 250
_STOP_S = 20.0


def netns_or_skip() -> None:
    """Skip the test where network namespaces may not be made; the reason says what is missing."""
    if not shutil.which("ip"):
        pytest.skip("no `ip` here: apt-get install iproute2")
    name = f"hrtry{os.getpid()}"
    tried = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"network namespaces are not allowed here: {tried.stderr.strip()}")
    bridge = subprocess.run(["ip", "link", "add", name, "type", "bridge"], capture_output=True, text=True, check=False)
    _ip("netns", "delete", name)
    if bridge.returncode:
        pytest.skip(f"network bridges are not allowed here: {bridge.stderr.strip()}")
    _ip("link", "delete", name)


class Host:
    """One machine: an address, a cable, and what runs on it."""

    def __init__(self, network: Network, name: str, number: int) -> None:
        self.name = name
        self.address = f"{network.subnet}.{number}"
        self.namespace = f"{network.name}-{name}"
        self._cable = f"{network.name}v{number}"  # its end at the switch
        self._started: list[subprocess.Popen[Any]] = []
        _ip("netns", "add", self.namespace)
        _ip("link", "add", self._cable, "type", "veth", "peer", "name", "eth0", "netns", self.namespace)
        _ip("link", "set", self._cable, "master", network.name, "up")
        for words in (["link", "set", "lo", "up"], ["addr", "add", f"{self.address}/24", "dev", "eth0"], ["link", "set", "eth0", "up"]):
            _ip("-n", self.namespace, *words)

    @property
    def prefix(self) -> tuple[str, ...]:
        """What to put before a command so that it runs on this host. It becomes the command: the pid stays."""
        return ("ip", "netns", "exec", self.namespace)

    def start(self, argv: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
        """Start a program and go on; `options` are those of Popen. What still runs in the end is killed."""
        options.setdefault("start_new_session", True)
        process = subprocess.Popen([*self.prefix, *argv], **options)
        self._started.append(process)
        return process

    def run(self, argv: Sequence[str], *, within_s: float = 60.0, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program to its end, its output caught; never raises for its exit code."""
        return subprocess.run(
            [*self.prefix, *argv], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=within_s, check=False
        )

    def cut(self) -> None:
        """Pull its cable: open connections hang, new ones time out, nobody is told. Twice is once."""
        _ip("link", "set", self._cable, "down")

    def heal(self) -> None:
        """Put the cable back; returns once it carries. Who was talking over it tries again in its own time."""
        _ip("link", "set", self._cable, "up")
        wait_until(self._is_carried, within_s=_STOP_S, what=f"the cable of {self.name} carries again")

    def pids(self) -> list[int]:
        """Return the processes that run on it, whoever started them."""
        return [int(pid) for pid in _ip("netns", "pids", self.namespace).split()]

    def remove(self) -> None:
        """Kill all that runs on it, and take it away."""
        for pid in self.pids():
            found = processes.identity_of(pid)
            if found is not None:
                processes.send_signal(found, signal.SIGKILL)
        for process in self._started:
            process.wait(_STOP_S)
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
        wait_until(lambda: not self.pids(), within_s=_STOP_S, what=f"all processes on {self.name} have ended")
        # First the cable: with its namespace it would go too, but only when the kernel comes to it, and the next network may want its name.
        _ip("link", "delete", self._cable)
        _ip("netns", "delete", self.namespace)

    def _is_carried(self) -> bool:
        return "state forwarding" in _ip("-d", "link", "show", self._cable)


class Network:
    """A switch and its hosts; all of it is gone at the end."""

    def __init__(self) -> None:
        self.name = f"hr{os.getpid()}"
        self.subnet = ""
        self.hosts: dict[str, Host] = {}

    @property
    def address(self) -> str:
        """Where each host reaches what listens in this process's own namespace."""
        return f"{self.subnet}.254"

    def __enter__(self) -> Self:
        _ip("link", "add", self.name, "type", "bridge", "forward_delay", "0", "stp_state", "0")
        self.subnet = _free_subnet()
        _ip("addr", "add", f"{self.address}/24", "dev", self.name)
        _ip("link", "set", self.name, "up")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for host in list(self.hosts.values()):
            host.remove()
        _ip("link", "delete", self.name)

    def host(self, name: str) -> Host:
        """Return the host of that name, a new one where there is none. Names are short: letters and digits."""
        if name not in self.hosts:
            number = len(self.hosts) + 1
            assert number <= _ALLOWED
            self.hosts[name] = Host(self, name, number)
        return self.hosts[name]


def _free_subnet() -> str:
    """Return the first three numbers of addresses that no interface and no route of this machine has."""
    taken = Path("/proc/net/fib_trie").read_text()
    found = next((f"10.213.{n}" for n in range(os.getpid() % 200, 255) if f" 10.213.{n}." not in taken), None)
    assert found is not None, "no addresses are left under 10.213"
    return found


def _ip(*words: str) -> str:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"`ip {' '.join(words)}`: {done.stderr.strip()}"
    return done.stdout
