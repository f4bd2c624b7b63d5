"""Who may do what where nobody has to log in? Everyone who gets here acts for the machine's owner."""

from __future__ import annotations

from flask import Flask, g

from mx.security.roles import Role, Visitor


class OpenGate:
    """Lets everybody in, with one role; for tests of pages."""

    def __init__(self, role: Role = Role.ADMIN, name: str = "local") -> None:
        self._visitor = Visitor(name, role)

    def guard(self, app: Flask) -> None:
        """Stand before every request of `app`."""

        @app.before_request
        def _enter() -> None:
            g.user = self._visitor
