"""What does the REST API of the dashboard look like, without one that runs? Its document, made from the code that answers."""

from __future__ import annotations

from typing import Any

from launcher.parts import Roof
from launcher.web.desk import WebDesk
from launcher.web.parts import WebParts
from mx.api.document import document
from mx.app import create_app
from mx.security.open_gate import OpenGate


def described(roof: Roof) -> dict[str, Any]:
    """Return the OpenAPI document. Opens nothing: no question is asked."""
    return document(create_app(WebDesk(WebParts(roof)), OpenGate(), monotonic=roof.clock.monotonic))
