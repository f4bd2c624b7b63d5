"""How long may a client hold one of the server's threads? Gunicorn's worker with threads, which gives up those that are too slow.

Gunicorn waits for ever for the rest of a request that has begun: some hundred clients that send half of one would end the dashboard.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Lock
from types import FrameType
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from system.clock import RealClock

_HEAD_S = 20.0  # for a request's head, and for TLS before it
_BODY_S = 60.0  # for a request that has a body, until it is answered; one without may be answered by a stream, for as long as it likes
_SEND_S = 20.0  # without a byte taken for so long, a client is given up


class Worker(ThreadWorker):
    """The worker. It lets its readers go when it is told to end: `app` is a Server."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._clock = RealClock()
        self._due: dict[Any, float] = {}  # by connection that a thread is busy with: when it is given up
        self._lock = Lock()  # held while one is given up, so that it is not one that has come to its end meanwhile

    def handle(self, conn: Any) -> Any:
        """Read one request, and answer it."""
        self._give(conn, _HEAD_S)
        try:
            return super().handle(conn)
        finally:
            self._give(conn, None)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer one request, whose head was read."""
        self._give(conn, _BODY_S if _has_body(req) else None)
        conn.sock.settimeout(_SEND_S)
        try:
            return super().handle_request(req, conn)
        finally:
            with suppress(OSError):
                conn.sock.settimeout(None)

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Wait for the next request, or close. Gunicorn would count a connection off twice that broke off while TLS began."""
        if conn.sock.fileno() < 0:
            self.nr_conns -= 1
        else:
            super().finish_request(conn, fs)

    def murder_keepalived(self, *given: Any, **named: Any) -> None:
        """Close what gunicorn says, and give up who is too slow. Called by the main loop, each second at least."""
        super().murder_keepalived(*given, **named)
        now_s = self._clock.monotonic()
        with self._lock:
            for conn in [conn for conn, due_s in self._due.items() if due_s <= now_s]:
                with suppress(OSError):  # gone, or being wrapped into TLS this very moment: there is a next second
                    # Below TLS, whose own shutdown would take the state away under the thread that reads. That thread then finds the end.
                    socket.socket.shutdown(conn.sock, socket.SHUT_RDWR)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Tell the streams to end, or they would be waited for."""
        let_go = getattr(self.app, "let_go", None)
        if let_go:
            let_go()
        super().handle_exit(sig, frame)

    def _give(self, conn: Any, seconds: float | None) -> None:
        """Let a connection take so long from now on; None: as long as it likes."""
        with self._lock:
            if seconds is None:
                self._due.pop(conn, None)
            else:
                self._due[conn] = self._clock.monotonic() + seconds


def _has_body(req: Any) -> bool:
    names = {"CONTENT-LENGTH", "TRANSFER-ENCODING"}
    return any(name.upper() in names and value.strip() != "0" for name, value in req.headers)
