"""Who may begin over a folder: its one supervisor, or a daemon of its own beside none?"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

import pytest

from launcher import alone
from launcher.alone import lock_path, named, only_one, refuse_beside, running, single
from system import processes
from system.clock import ManualClock
from system.errors import ConfigError


def test_no_supervisor_begins_before_a_daemon_that_starts_has_named_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[bool] = []
    real = processes.write_pid_file

    def write_pid_file(path: Path, *args: Any, **kwargs: Any) -> None:
        with lock_path(tmp_path).open("a") as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found.append(path.exists())
        real(path, *args, **kwargs)

    monkeypatch.setattr(processes, "write_pid_file", write_pid_file)
    with single(tmp_path, "worker"):
        monkeypatch.undo()
        assert found == [False]
        with only_one(lock_path(tmp_path)), pytest.raises(ConfigError, match="worker runs as a daemon of its own"):
            refuse_beside(tmp_path)


def test_a_supervisor_waits_for_a_daemon_that_is_naming_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with lock_path(tmp_path).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        clock = ManualClock()
        monkeypatch.setattr(alone, "_CLOCK", clock)
        monkeypatch.setattr(clock, "sleep", lambda _: fcntl.flock(file, fcntl.LOCK_UN))
        with only_one(lock_path(tmp_path)):
            assert lock_path(tmp_path).read_text() == f"{os.getpid()} up\n"


def test_one_that_never_names_itself_is_not_waited_for_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alone, "_CLOCK", ManualClock())
    with lock_path(tmp_path).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        with pytest.raises(ConfigError), only_one(lock_path(tmp_path)):
            pass


def test_a_daemon_names_itself_beside_a_supervisor_too(tmp_path: Path) -> None:
    with only_one(lock_path(tmp_path)), named(tmp_path, "supervisor", "up"), single(tmp_path, "worker.9"):
        found = running(tmp_path, "worker.9")
        assert found is not None
        assert found.identity.pid == os.getpid()
