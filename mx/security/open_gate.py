"""Who may do what where nobody has to log in? Everyone who gets here acts for the machine's owner."""

from __future__ import annotations

from flask import Flask, g, request
from werkzeug.exceptions import Forbidden

from mx.security.roles import Role, Visitor, needed_role


class OpenGate:
    """Lets everybody in, with one role; for tests of pages."""

    def __init__(self, role: Role = Role.ADMIN, name: str = "local") -> None:
        self._visitor = Visitor(name, role)

    def guard(self, app: Flask) -> None:
        """Stand before every request of `app`."""

        @app.before_request
        def _enter() -> None:
            g.user = self._visitor
            role = needed_role(app.view_functions.get(request.endpoint or ""))
            if role is not None and not self._visitor.may(role):
                raise Forbidden(f"this takes the role {role.value}; {self._visitor.name} is {self._visitor.role.value}: ask an admin")
