"""Does a status come at once while the broker takes a connection and says nothing?"""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from launcher.parts import Roof
from system.clock import RealClock
from tests.support.gates import CONTEXT
from tests.support.pretended_roof import Terminal


def test_a_broker_that_hangs_is_named_and_not_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"amqp://ann@127.0.0.1:{mute.getsockname()[1]}/"
        environ = {"HORARIUM_CONTEXT": str(CONTEXT), "HORARIUM_SETTINGS": "none", "HORARIUM_BROKER_URL": url}
        terminal = Terminal(Roof({**environ, "HORARIUM_VAR": str(tmp_path)}), capsys)
        begun_s = RealClock().monotonic()
        code = terminal.run("status")
        took_s = RealClock().monotonic() - begun_s
    assert (code, terminal.err) == (0, "")
    assert "! the broker has not answered for 1.5 s" in terminal.out
    assert "queues: not known" in terminal.out
    assert took_s < 5.0  # mostly for a machine that is busy
