"""Does the link that parts processes from their servers hang, refuse, reset and mend as a test says?"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from threading import Thread

import pytest

from tests.support.link import Link


@pytest.fixture
def link() -> Iterator[Link]:
    """A link to a server that says everything back."""
    listener = socket.create_server(("127.0.0.1", 0))
    Thread(target=serve, args=(listener,), daemon=True).start()
    with Link(f"echo://ann:secret@127.0.0.1:{listener.getsockname()[1]}/base") as made:
        yield made
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def serve(listener: socket.socket) -> None:
    while True:
        try:
            conn, _ = listener.accept()
        except OSError:
            return
        Thread(target=echo, args=(conn,), daemon=True).start()


def echo(conn: socket.socket) -> None:
    with conn:
        try:
            while data := conn.recv(1024):
                conn.sendall(data)
        except OSError:
            return


def connected(link: Link) -> socket.socket:
    return socket.create_connection(("127.0.0.1", link.port), timeout=5)


def answer(conn: socket.socket, text: bytes, within_s: float = 5.0) -> bytes:
    """Return what comes back; empty where the link is over."""
    conn.settimeout(within_s)
    conn.sendall(text)
    return conn.recv(1024)


def test_everything_goes_through_and_the_url_names_it(link: Link) -> None:
    with connected(link) as conn:
        assert answer(conn, b"hello") == b"hello"
    assert link.url == f"echo://ann:secret@127.0.0.1:{link.port}/base"


def test_what_hangs_lets_nothing_through_until_it_is_mended(link: Link) -> None:
    with connected(link) as conn:
        answer(conn, b"hello")
        link.hang()
        with pytest.raises(TimeoutError):
            answer(conn, b"is anybody there?", within_s=0.2)
        with connected(link) as late, pytest.raises(TimeoutError):
            answer(late, b"or there?", within_s=0.2)
        link.mend()
        conn.settimeout(5)
        assert conn.recv(1024) == b"is anybody there?"


def test_what_refuses_resets_those_who_are_there_and_takes_nobody(link: Link) -> None:
    with connected(link) as conn:
        answer(conn, b"hello")
        link.refuse()
        with pytest.raises(ConnectionError):
            answer(conn, b"still there?")
    with pytest.raises(ConnectionRefusedError):
        connected(link)
    link.mend()
    with connected(link) as conn:
        assert answer(conn, b"hello") == b"hello"


def test_a_cut_resets_those_who_are_there_and_takes_who_comes(link: Link) -> None:
    with connected(link) as conn:
        answer(conn, b"hello")
        link.cut()
        with pytest.raises(ConnectionError):
            answer(conn, b"still there?")
    with connected(link) as conn:
        assert answer(conn, b"hello") == b"hello"


def test_what_hung_may_be_cut(link: Link) -> None:
    with connected(link) as conn:
        answer(conn, b"hello")
        link.hang()
        link.cut()
        with pytest.raises(ConnectionError):
            answer(conn, b"still there?")
