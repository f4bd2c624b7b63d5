"""Who serves the dashboard? Gunicorn: one process beside its arbiter, with threads, since every open page holds a stream.

The socket is opened before, so that an address that is taken is said in one sentence. A client that doesn't read what it is sent, or
doesn't send what it began, holds one thread, for a while, and nobody else (`launcher/web/worker.py`).
"""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from launcher.parts import Roof
from launcher.settled import settle
from launcher.web.address import Address, listening, tell, told_path
from launcher.web.desk import WebDesk
from launcher.web.first_link import link_path, offer
from launcher.web.gate import gate_over, gate_settings, tls_of, warn_of_plain_passwords
from launcher.web.parts import WebParts
from launcher.web.worker import Worker
from mx.app import create_app
from mx.live import Live
from system.errors import ConfigError

log = logging.getLogger(__name__)

_THREADS = 512  # made when they are needed; a stream holds one


class _Logger(Logger):
    """Gunicorn's lines go where ours go."""

    def setup(self, cfg: Any) -> None:  # noqa: ARG002  gunicorn calls it so
        """Leave the handlers to system/logs.py."""
        self.error_log.setLevel(logging.INFO)
        self.error_log.propagate = True
        self.access_log.propagate = False


class Server(BaseApplication):
    """The dashboard over one deployment. The app is made in the process that serves it, since its threads would not outlive a fork."""

    def __init__(self, roof: Roof, opened: socket.socket, address: Address, *, said: Callable[[str], None]) -> None:
        self._roof, self._socket, self._address, self._said = roof, opened, address, said
        self._gate, self._tls = gate_settings(roof.settings, address), tls_of(roof.settings)
        self._live: Live | None = None
        super().__init__()

    def load_config(self) -> None:
        """Say all that gunicorn is told; it reads no file and no environment."""
        told = {
            "bind": f"fd://{self._socket.fileno()}",
            "workers": 1,
            "worker_class": Worker,
            "threads": _THREADS,
            "worker_connections": 2 * _THREADS,
            "timeout": 60,
            "graceful_timeout": 3,
            "keepalive": 15,
            "logger_class": _Logger,
            "proc_name": "horarium-mx",
            "when_ready": self._ready,
            "control_socket_disable": True,
        }
        if self._tls:
            told |= {"certfile": self._tls.certificate, "keyfile": self._tls.key}
        for name, value in told.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Return the WSGI app; called in the process that serves it."""
        parts = WebParts(self._roof)
        parts.after_load = settle
        parts.asker.start()
        desk = WebDesk(parts)
        self._live = Live(desk)
        gate, entrance = gate_over(parts, self._gate)
        offer(entrance, self._url(), self._roof.settings, lambda link: self._said(f"to make the first admin, once: {link}"))
        return create_app(desk, gate, monotonic=self._roof.clock.monotonic, live=self._live)

    def let_go(self) -> None:
        """Let go of all readers."""
        if self._live:
            self._live.close()

    def _ready(self, _arbiter: object) -> None:
        url = self._url()
        tell(self._roof.settings.folder, url)
        log.info("the dashboard is at %s", url, extra={"action": "mx_ready"})
        self._said(f"the dashboard is at {url}; Ctrl-C stops it")
        if warning := warn_of_plain_passwords(self._gate, self._address, self._tls):
            log.warning("%s", warning, extra={"action": "mx_plain"})
            self._said(f"{warning}")

    def _url(self) -> str:
        return self._address.url("https" if self._tls else "http")


def serve(roof: Roof, *, said: Callable[[str], None] = lambda _: None) -> None:
    """Serve the dashboard until TERM or INT; `said` is told, in sentences, how it can be reached. Raises ConfigError."""
    try:
        roof.context  # noqa: B018  read for its faults
    except ConfigError as error:
        log.warning("the context can't be read; the dashboard says so until it can: %s", error, extra={"action": "context_refused"})
    opened, address = listening(roof.settings.mx_listen)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # gunicorn would take it for a change of its configuration
    arbiter = os.getpid()
    try:
        Server(roof, opened, address, said=said).run()
    except SystemExit as end:
        if os.getpid() != arbiter:  # the process that served: what follows is the arbiter's
            logging.shutdown()
            os._exit(end.code if isinstance(end.code, int) else 0)
        told_path(roof.settings.folder).unlink(missing_ok=True)
        link_path(roof.settings.folder).unlink(missing_ok=True)
        if end.code:
            raise ConfigError("the dashboard could not be served: its log says why") from end
