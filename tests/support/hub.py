"""How do hosts of a test's network reach a server that listens on loopback only? By a relay at the switch, which passes bytes on."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Thread
from types import TracebackType
from typing import Self

_BYTES = 65_536


class Hub:
    """Listens at `address` on a port of its own, or by `ear`, while inside, and passes each connection on to `host`:`port`."""

    def __init__(self, address: str, host: str, port: int, *, ear: socket.socket | None = None) -> None:
        self._to = (host, port)
        self._ear = ear or socket.create_server((address, 0))
        self._lines: list[socket.socket] = []

    @property
    def place(self) -> str:
        """Return where it listens, as `address:port`."""
        address, port = self._ear.getsockname()
        return f"{address}:{port}"

    def __enter__(self) -> Self:
        Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for line in [self._ear, *self._lines]:
            _close(line)

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._ear.accept()
                far = socket.create_connection(self._to)
            except OSError:
                return
            self._lines += [near, far]
            for one, other in ((near, far), (far, near)):
                Thread(target=_pass_on, args=(one, other), daemon=True).start()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):  # whichever side is gone, the other one is told by the end of its connection
        while piece := one.recv(_BYTES):
            other.sendall(piece)
    _close(one)
    _close(other)


def _close(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    line.close()
