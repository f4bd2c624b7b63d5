"""How does a test serve a dashboard to real HTTP clients? By a small server in a thread, on a free port of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

HOST = "127.0.0.1"


class _Quiet(WSGIRequestHandler):
    """Tells of no request."""

    def log(self, *_: Any) -> None:
        """Tell nothing."""


@contextmanager
def served(app: Flask, *, port: int = 0) -> Iterator[str]:
    """Serve an app; yields its URL."""
    server = make_server(HOST, port, app, threaded=True, request_handler=_Quiet)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
