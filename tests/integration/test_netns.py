"""Are the hosts that tests make really apart, and can a cable be pulled and put back?"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.netns import Host, Network, netns_or_skip
from tests.support.waiting import wait_until

PORT = 15000
ECHO = """
import socket, sys
with socket.create_server((sys.argv[1], int(sys.argv[2]))) as server:
    print("ready", flush=True)
    while True:
        client, _ = server.accept()
        with client:
            client.sendall(client.recv(100))
"""
ASK = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=float(sys.argv[3])) as line:
    line.sendall(b"hello")
    print(line.recv(100).decode())
"""


@pytest.fixture
def network() -> Iterator[Network]:
    netns_or_skip()
    with Network() as made:
        yield made


def serve(host: Host) -> subprocess.Popen[str]:
    server: subprocess.Popen[str] = host.start([sys.executable, "-c", ECHO, host.address, str(PORT)], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    assert server.stdout.readline() == "ready\n"
    return server


def ask(host: Host, other: Host, patience_s: float = 10.0) -> str:
    return host.run([sys.executable, "-c", ASK, other.address, str(PORT), str(patience_s)]).stdout


def test_hosts_reach_each_other_and_this_process_reaches_them(network: Network) -> None:
    east, west = network.host("east"), network.host("west")
    serve(east)
    assert ask(west, east) == "hello\n"
    with socket.create_connection((east.address, PORT), timeout=10.0) as line:
        line.sendall(b"from the switch")
        assert line.recv(100) == b"from the switch"


def test_a_cut_host_is_out_of_reach_and_its_processes_go_on_until_it_is_healed(network: Network) -> None:
    east, west = network.host("east"), network.host("west")
    server = serve(east)
    east.cut()
    assert ask(west, east, 0.5) == ""
    assert server.poll() is None
    east.heal()
    assert ask(west, east) == "hello\n"


def test_an_open_line_outlives_a_short_cut(network: Network) -> None:
    east = network.host("east")
    serve(east)
    with socket.create_connection((east.address, PORT), timeout=30.0) as line:
        east.cut()
        line.sendall(b"late")
        east.heal()
        assert line.recv(100) == b"late"


def test_each_host_has_a_loopback_of_its_own(network: Network) -> None:
    east, west = network.host("east"), network.host("west")
    servers = [host.start([sys.executable, "-c", ECHO, "127.0.0.1", str(PORT)], stdout=subprocess.PIPE, text=True) for host in (east, west)]
    assert [server.stdout.readline() for server in servers if server.stdout] == ["ready\n", "ready\n"]


def test_nothing_is_left_of_a_network(network: Network) -> None:
    server = serve(network.host("east"))
    pids = network.hosts["east"].pids()
    assert server.pid in pids
    network.hosts.pop("east").remove()
    wait_until(lambda: server.poll() is not None)
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    assert f"{network.name}-east" not in listed
