"""What does the dashboard serve, without one that runs? The document of its API, and its routes, made from the code that answers."""

from __future__ import annotations

from typing import Any

from launcher.parts import Roof
from launcher.web.desk import WebDesk
from launcher.web.gate import gate_over
from launcher.web.parts import WebParts
from mx.api.document import document
from mx.app import create_app
from mx.security.entrance import GateSettings
from mx.security.open_gate import OpenGate
from mx.security.route_check import Route, routes_of


def described(roof: Roof) -> dict[str, Any]:
    """Return the OpenAPI document. Opens nothing: no question is asked."""
    return document(create_app(WebDesk(WebParts(roof)), OpenGate(), monotonic=roof.clock.monotonic))


def bare_routes(roof: Roof) -> list[Route]:
    """Return all routes with who may call them, those about logins and accounts, too. Opens nothing, either."""
    parts = WebParts(roof)
    gate, _ = gate_over(parts, GateSettings(has_login=True))
    return routes_of(create_app(WebDesk(parts), gate, monotonic=roof.clock.monotonic))
