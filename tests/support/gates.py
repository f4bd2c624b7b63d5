"""How is the gate tried? The dashboard over a real desk, with a gate that asks for logins, and visitors of each role."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from db.memory import MemoryStore
from launcher.web.desk import WebDesk
from mx.app import create_app
from mx.security import passwords
from mx.security.entrance import Entrance, GateSettings
from mx.security.gate import Gate
from mx.security.roles import Role
from system.clock import Clock, RealClock
from tests.support.mx import web_desk

CONTEXT = Path(__file__).parents[2] / "examples" / "flights" / "context.py"
PASSWORD = "four words and a comma"
_CSRF = re.compile(r'name="csrf" (?:value|content)="([0-9a-f.]+)"')
WITH_LOGIN = GateSettings(has_login=True, port=8642)
WITHOUT_LOGIN = GateSettings(has_login=False, port=8642, local="ann (local)")


@dataclass
class Gated:
    """The app, what its gate knows, and the store that keeps accounts."""

    app: Flask
    entrance: Entrance
    store: MemoryStore

    def stranger(self) -> FlaskClient:
        """Return a browser that nobody knows."""
        return self.app.test_client()

    def visitor(self, role: Role) -> FlaskClient:
        """Return a browser in which somebody of that role has logged in, whose name is that of the role."""
        client = self.stranger()
        answer = log_in(client, role.value)
        assert answer.status_code == 303, answer.text
        return client


@contextmanager
def gated(folder: Path, settings: GateSettings = WITH_LOGIN, clock: Clock | None = None) -> Iterator[Gated]:
    """Open a dashboard with an account for each role, whose password is PASSWORD."""
    with web_desk(folder, CONTEXT) as desk:
        yield gated_over(desk, settings, clock)


def gated_over(desk: WebDesk, settings: GateSettings = WITH_LOGIN, clock: Clock | None = None) -> Gated:
    """Return a dashboard over `desk` with an account for each role."""
    store = MemoryStore()
    entrance = Entrance(store, clock or RealClock(), settings)
    for role in Role:
        entrance.accounts.add_user(role.value, role, PASSWORD, who="test")
    app = create_app(desk, Gate(entrance), monotonic=desk.parts.roof.clock.monotonic)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return Gated(app, entrance, store)


def cheap_passwords(monkeypatch: Any) -> None:
    """Have passwords hashed in no time: what is tried is not how hard they are to guess."""
    monkeypatch.setattr(passwords, "_METHOD", "pbkdf2:sha256:1")
    monkeypatch.setattr(passwords, "_NOBODYS", passwords.hashed("nobody's"))


def token_of(answer: TestResponse) -> str:
    """Return the token of the forms on a page."""
    found = _CSRF.search(answer.text)
    assert found, f"no form's token in {answer.status_code}: {answer.text[:300]}"
    return found[1]


def log_in(client: FlaskClient, name: str, password: str = PASSWORD, **form: str) -> TestResponse:
    """Log in by the form."""
    token = token_of(client.get("/login"))
    return client.post("/login", data={"csrf": token, "name": name, "password": password, **form})


def post(client: FlaskClient, path: str, page: str = "/account", **form: str) -> TestResponse:
    """Send a form as `page` would."""
    return client.post(path, data={"csrf": token_of(client.get(page)), **form})
