"""Does a process of the system wait for what is away for a moment, rather than end as if it had crashed?"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import process_starter
from launcher import box, daemons, once_there
from launcher.parts import Joined, Roof
from settings import Settings
from system import logs
from system.clock import ManualClock
from system.context_watch import ContextWatch
from system.errors import BrokerAway, StoreError, Unavailable
from system.processes import MARK_VARIABLE
from tests.support.lamp import Lamp, january


def opening_after(*errors: Exception) -> object:
    """Return what opens a lamp's parts after it has failed with each of `errors`."""
    lamp, left = Lamp(january()), list(errors)

    @contextmanager
    def open_parts(_settings: Settings) -> Iterator[Joined]:
        if left:
            raise left.pop(0)
        yield Joined(lamp.store, lamp.broker)

    return open_parts


def test_a_store_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock()
    monkeypatch.setattr(once_there, "open_parts", opening_after(*[Unavailable("the disk is full")] * 9))
    said: list[str] = []
    with once_there.parts_once_there(Roof({}, Path("/srv/horarium"), clock), say=said.append) as parts:
        assert parts.store.sessions() is not None
    assert 10 < clock.monotonic() < 30
    assert said == ["the store is away, and is waited for: the disk is full"]


def test_who_waits_for_the_broker_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once_there, "open_parts", opening_after(BrokerAway("RabbitMQ can't be reached")))
    said: list[str] = []
    with once_there.parts_once_there(Roof({}, Path("/srv/horarium"), ManualClock()), say=said.append):
        pass
    assert said == ["the broker is away, and is waited for: RabbitMQ can't be reached"]


def test_a_store_that_can_not_be_used_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once_there, "open_parts", opening_after(StoreError("it is damaged")))
    waiting = once_there.parts_once_there(Roof({}, Path("/srv/horarium"), ManualClock()))
    with pytest.raises(StoreError, match="it is damaged"):
        waiting.__enter__()


class _Started(Exception):
    """What is to be started was given its environment."""


@pytest.mark.parametrize("name", ["supervisor", "daemon", "by itself"])
def test_nothing_that_runs_on_has_the_token_of_commands(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HORARIUM_TOKEN", "swordfish-42")
    monkeypatch.setenv(MARK_VARIABLE, "")  # put back in the end
    roof, seen = Roof({"HORARIUM_TOKEN": "swordfish-42", "HORARIUM_VAR": str(tmp_path)}, tmp_path), dict[str, str]()
    lamp = Lamp(january())
    roof.__dict__["context"] = lamp.context

    def start(*given: Any, **_: object) -> None:
        seen.update(next((each for each in given if isinstance(each, dict)), os.environ))
        raise _Started

    monkeypatch.setattr(box, "LocalCrew", start)
    monkeypatch.setattr(daemons, "_detached", start)
    monkeypatch.setattr(daemons, "_prepare", lambda _: "")
    monkeypatch.setattr(process_starter, "runner", lambda *_: start)
    monkeypatch.setattr(logs, "set_up", lambda *_, **__: None)
    watch = ContextWatch(tmp_path, roof.context, lambda: roof.context, lambda _: "")
    starts: dict[str, Callable[[], object]] = {
        "supervisor": lambda: box.supervisor_over(roof, Joined(lamp.store, lamp.broker), watch),
        "daemon": lambda: daemons._start(roof, "worker", is_console=False, as_json=True),
        "by itself": lambda: process_starter._run(process_starter.Given("worker"), roof),
    }
    with pytest.raises(_Started):
        starts[name]()
    assert seen["PATH"]
    assert "swordfish-42" not in seen.values()


def test_a_worker_says_at_its_start_that_its_secrets_file_is_bad(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    process_starter.warn_of_secrets(Settings(secrets_file=str(tmp_path / "none.toml")))
    assert "will fail: the secrets file" in caplog.text
    assert "can't be read: No such file or directory" in caplog.text
