#!/usr/bin/env python3
"""Which routes does the dashboard have, and who may call them? Writes docs/routes.md out of the code; a test compares both."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from launcher.parts import Roof  # noqa: E402
from launcher.web.document import bare_routes  # noqa: E402
from mx.security.route_check import Route  # noqa: E402

PAGE = ROOT / "docs" / "routes.md"
HEAD = """# The routes of the dashboard

Made by `scripts/routes.py` out of the code: after a change of routes run it again. Each role covers those before it: viewer, operator,
admin. What is not for anybody takes a login, or an [API token](dashboard.md#api-tokens), wherever a login is required: see
[who may come in](dashboard.md#who-may-come-in). What is not a GET changes something, or plans a change, and takes the token of a form,
unless an API token came with it.

| path | method | role |
|---|---|---|
"""


def table(routes: list[Route]) -> str:
    """Return the page with a row for each route."""
    return HEAD + "".join(f"| `{route.path}` | {route.method} | {route.role} |\n" for route in routes)


def current() -> str:
    """Return the page as the code has it."""
    return table(bare_routes(Roof(environ={"HORARIUM_SETTINGS": "none"})))


if __name__ == "__main__":
    PAGE.write_text(current(), encoding="utf-8")
