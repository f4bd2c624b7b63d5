"""How is the dashboard tried over a timetable that a test drives? An engine by hand on the store that the dashboard's desk reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from launcher.web.desk import WebDesk
from mx.security.roles import Role
from tests.support.lamp import Lamp, january
from tests.support.mx import client_over, web_desk

_CONTEXT = """
from tests.support.lamp import context, january
made = context(january({levels!r}, {days!r}, **{fields!r}))
process_context = {{process.name: process for process in made.processes}}
timetable_context = dict(made.trees)
"""


@dataclass
class LitDesk:
    """A dashboard's desk, the engine beside it, and a browser without a screen."""

    desk: WebDesk
    lamp: Lamp

    def client(self, role: Role = Role.ADMIN) -> FlaskClient:
        """Return a client that visits with a role."""
        return client_over(self.desk, role)


@contextmanager
def lit_desk(folder: Path, levels: tuple[str, ...] = ("hourly", "daily"), days: int = 1, **fields: Any) -> Iterator[LitDesk]:
    """Open a desk over the first days of January 2013 (see `january`); the engine has done its first round, and nothing has run."""
    context = folder / "lit_context.py"
    (folder / "jobs.py").write_text("def run(work):\n    return None\n")
    context.write_text(_CONTEXT.format(levels=levels, days=days, fields=fields))
    with web_desk(folder, context) as desk:
        # A broker of its own: what the desk says to the other one is found by the sweep, as after a lost message.
        lamp = Lamp(january(levels, days, **fields), store=desk.asker.ask(lambda: desk.parts.store))
        desk.parts.roof.__dict__["clock"] = lamp.clock
        yield LitDesk(desk, lamp)
