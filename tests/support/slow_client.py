"""Who asks a web server for something and then hardly listens? A client that takes a byte a second, or none at all."""

from __future__ import annotations

import socket
from collections.abc import Callable
from threading import Event, Thread
from typing import Self
from urllib.parse import urlsplit

_SMALLEST = 1  # the kernel rounds it up to what it can do


class SlowClient:
    """One connection with the smallest window there is. `takes_s` is how long it waits between two bytes; None: it takes none."""

    def __init__(self, site: str, path: str, *, takes_s: float | None = None) -> None:
        where = urlsplit(site)
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALLEST)
        self._socket.connect((where.hostname, where.port))
        # Many requests on one connection: so that there is more to send than the kernel's buffers hold.
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\n\r\n".encode() * 50)
        self._left = Event()
        self._takes_s = takes_s
        self._thread = Thread(target=self._take, daemon=True)
        if takes_s is not None:
            self._thread.start()

    def _take(self) -> None:
        while not self._left.wait(self._takes_s):
            try:
                if not self._socket.recv(1):
                    return
            except OSError:
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Go away without a word."""
        self._left.set()
        self._socket.close()


def all_of(clients: list[SlowClient]) -> Callable[[], None]:
    """Return what sends them all away."""

    def leave() -> None:
        for client in clients:
            client.__exit__()

    return leave
