"""Is a client given up that begins a request and does not end it? And is one left alone that only listens?"""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from launcher.parts import ROOT
from tests.support.certificates import certificate_in
from tests.support.gates import CONTEXT
from tests.support.waiting import wait_until

_SERVED = """
import sys
import launch
from launcher.web import worker
worker._HEAD_S, worker._BODY_S = 1.0, 1.5
sys.argv = ["launch.py", "mx", "serve"]
sys.exit(launch.main())
"""
_WHOLE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
_HALF = b"GET /healthz HTTP/1.1\r\nHost: loc"


@contextmanager
def served(folder: Path, **settings: str) -> Iterator[int]:
    """Serve a dashboard that is impatient; yields its port."""
    environ = {"HORARIUM_VAR": str(folder), "HORARIUM_CONTEXT": str(CONTEXT), "HORARIUM_SETTINGS": "none"}
    environ |= {"HORARIUM_MX_LISTEN": "127.0.0.1:0", "PYTHONPATH": str(ROOT)}
    environ |= {f"HORARIUM_{name.upper()}": value for name, value in settings.items()}
    folder.mkdir()
    out = folder / "said"
    with out.open("w") as file:
        server = subprocess.Popen([sys.executable, "-c", _SERVED], env=environ, stdout=file, stderr=file)
    try:
        wait_until(lambda: "the dashboard is at" in out.read_text() or server.poll() is not None, within_s=60, what="the server")
        assert server.poll() is None, out.read_text()
        (port,) = re.findall(r"https?://127.0.0.1:(\d+)/", out.read_text())[:1]
        yield int(port)
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with served(tmp_path_factory.mktemp("slow") / "var") as found:
        yield found


@contextmanager
def client(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=15) as opened:
        yield opened


def rest(opened: socket.socket) -> bytes:
    """Return all that comes until the server ends the connection; TimeoutError where it does not."""
    found = b""
    try:
        while got := opened.recv(65_536):
            found += got
    except (ConnectionError, ssl.SSLEOFError):
        pass
    return found


def test_half_a_head_is_given_up(port: int) -> None:
    with client(port) as opened:
        opened.sendall(_HALF)
        assert rest(opened) == b""


def test_half_a_head_after_a_whole_request_is_given_up(port: int) -> None:
    with client(port) as opened:
        opened.sendall(_WHOLE)
        assert opened.recv(65_536).startswith(b"HTTP/1.1 200")
        opened.sendall(_HALF)
        assert b"HTTP/1.1" not in rest(opened)


def test_a_body_that_does_not_come_is_given_up(port: int) -> None:
    with client(port) as opened:
        head = "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 99\r\n\r\n"
        opened.sendall(head.encode() + b"a")
        assert rest(opened) == b""


def test_who_only_listens_is_left_alone(port: int) -> None:
    with client(port) as opened:
        opened.sendall(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        found = b""
        while found.count(b"data:") < 3:  # the second sign of life comes after five seconds
            got = opened.recv(65_536)
            assert got, found
            found += got


def test_by_tls_half_a_handshake_and_half_a_head_are_given_up(tmp_path: Path) -> None:
    certificate, key = certificate_in(tmp_path)
    with served(tmp_path / "var", mx_certificate=str(certificate), mx_key=str(key)) as port:
        with client(port) as opened:
            opened.sendall(b"\x16\x03\x01")
            assert rest(opened) == b""
        trust = ssl.create_default_context(cafile=str(certificate))
        with client(port) as plain, trust.wrap_socket(plain, server_hostname="127.0.0.1") as opened:
            opened.sendall(_HALF)
            assert rest(opened) == b""
        with client(port) as plain, trust.wrap_socket(plain, server_hostname="127.0.0.1") as opened:
            opened.sendall(_WHOLE)
            assert opened.recv(65_536).startswith(b"HTTP/1.1 200")
