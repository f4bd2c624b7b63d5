"""How does a test press the launcher's commands? A roof over a lamp: real desk, real engine, no files and no processes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from db.store import Store
from launcher.main import main
from launcher.parts import Joined, Roof
from scheduler.engine import Engine
from system.clock import ManualClock
from system.context import Context
from tests.support.lamp import Lamp


class TurningClock(ManualClock):
    """A clock in whose sleep a scheduler works."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine

    def sleep(self, seconds: float) -> None:
        """Let time pass, and the engine do a round."""
        super().sleep(seconds)
        self._engine.turn(self.now())


class LampRoof(Roof):
    """A roof whose store and broker are a lamp's."""

    def __init__(self, lamp: Lamp) -> None:
        super().__init__({}, Path("/srv/horarium"), TurningClock(lamp.engine))
        self._lamp = lamp
        self.__dict__["context"] = lamp.context  # as if it had been read already

    @property
    def has_store(self) -> bool:
        """The lamp's is always there."""
        return True

    @contextmanager
    def joined(self, *, patience_s: float | None = None) -> Iterator[Joined]:
        """Hand out the lamp's parts, which stay open."""
        yield Joined(self._lamp.store, self._lamp.broker)

    @contextmanager
    def looked_into(self) -> Iterator[Store]:
        """Hand out the lamp's store, which stays open."""
        yield self._lamp.store


class Terminal:
    """Runs commands and keeps what they printed."""

    def __init__(self, roof: Roof, capsys: pytest.CaptureFixture[str]) -> None:
        self.roof, self._capsys = roof, capsys
        self.out = self.err = ""

    def run(self, *argv: str) -> int:
        """Run one command; returns its exit code."""
        self._capsys.readouterr()
        code = main(argv, self.roof)
        self.out, self.err = self._capsys.readouterr()
        return code

    def json(self, *argv: str) -> Any:
        """Run one command with `--json`; returns its document."""
        assert self.run(*argv, "--json") in (0, 1)
        return json.loads(self.out)


def roof_of(context: Context) -> Roof:
    """Return a roof that knows nothing but a context."""
    roof = Roof({}, Path("/srv/horarium"))
    roof.__dict__["context"] = context
    return roof
