"""How is the dashboard tried? Over a real desk, a store in a folder of the test's, and a gate that lets everybody in with one role."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask.testing import FlaskClient

from launcher.parts import Roof
from launcher.web.desk import WebDesk
from launcher.web.parts import WebParts
from mx.api.app import ApiApp
from mx.app import create_app
from mx.security.open_gate import OpenGate
from mx.security.roles import Role
from system.clock import Clock


@contextmanager
def web_desk(folder: Path, context: Path, *, clock: Clock | None = None, **settings: str) -> Iterator[WebDesk]:
    """Open the dashboard's desk over the embedded store in `folder`; `settings` are further settings by name."""
    environ = {"HORARIUM_VAR": str(folder), "HORARIUM_CONTEXT": str(context), "HORARIUM_SETTINGS": "none"}
    environ |= {f"HORARIUM_{name.upper()}": value for name, value in settings.items()}
    parts = WebParts(Roof(environ=environ, given_clock=clock))
    parts.asker.start()
    try:
        yield WebDesk(parts)
    finally:
        parts.close()


def app_over(desk: WebDesk, role: Role = Role.ADMIN) -> ApiApp:
    """Return the dashboard over a desk, for visitors of one role."""
    app = create_app(desk, OpenGate(role), monotonic=desk.parts.roof.clock.monotonic)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app


def client_over(desk: WebDesk, role: Role = Role.ADMIN) -> FlaskClient:
    """Return a client of the dashboard over a desk."""
    return app_over(desk, role).test_client()
