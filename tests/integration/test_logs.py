"""Where do log lines go, what do they look like, and what is said when they can't be written?"""

from __future__ import annotations

import errno
import io
import logging
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from system import logs
from system.errors import ConfigError

log = logging.getLogger("tests.decisions")


@pytest.fixture(autouse=True)
def handlers_go_again() -> Iterator[None]:
    """Leave the process's logging as it was."""
    yield
    logs.shut_down()


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_a_line_has_time_level_process_logger_message_and_ids(tmp_path: Path) -> None:
    path = logs.set_up("worker.1", tmp_path / "log", max_bytes=0, count=0)
    log.info("posted %s", "a/1", extra={"uow": "a/1", "action": "posted"})
    (line,) = lines_of(path)
    assert path == tmp_path / "log" / "worker.1.log"
    moment, _, rest = line.partition(" ")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", moment)
    assert rest == "info    worker.1 tests.decisions: posted a/1 uow=a/1 action=posted"


def test_a_message_with_line_ends_stays_one_line(tmp_path: Path) -> None:
    path = logs.set_up("w", tmp_path, max_bytes=0, count=0)
    log.warning("it said %s", "one\ntwo\x1b[2J", extra={"why": "a\nb"})
    (line,) = lines_of(path)
    assert "one\\ntwo\\x1b[2J why=a\\nb" in line


def test_a_traceback_follows_on_indented_lines(tmp_path: Path) -> None:
    path = logs.set_up("w", tmp_path, max_bytes=0, count=0)
    try:
        raise ValueError("no")
    except ValueError:
        log.exception("failed")
    first, *rest = lines_of(path)
    assert "error   w tests.decisions: failed" in first
    assert rest[-1] == "    ValueError: no"


def test_a_full_file_is_rotated(tmp_path: Path) -> None:
    path = logs.set_up("w", tmp_path, max_bytes=300, count=2)
    for n in range(20):
        log.info("line %d", n)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["w.log", "w.log.1", "w.log.2"]
    assert path.stat().st_size <= 300


def test_a_rotation_that_fails_loses_one_line_and_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = logs.set_up("w", tmp_path, max_bytes=100, count=1)
    (tmp_path / "w.log.1").mkdir()
    (tmp_path / "w.log.1" / "in the way").touch()
    for n in range(4):
        log.info("line %d", n)
    assert [line.rpartition(" ")[2] for line in lines_of(path)] == ["0", "1", "3"]
    assert capfd.readouterr().err.splitlines()[0].startswith(f"horarium: the log {path} can't be written (")


def test_a_file_that_is_not_to_be_rotated_grows(tmp_path: Path) -> None:
    path = logs.set_up("w", tmp_path, max_bytes=0, count=2)
    for n in range(20):
        log.info("line %d", n)
    assert (len(lines_of(path)), len(list(tmp_path.iterdir()))) == (20, 1)


def test_a_folder_that_can_not_be_made_is_refused_clearly(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"the log .*/file/log/w\.log can't be written .*HORARIUM_VAR"):
        logs.set_up("w", tmp_path / "file" / "log", max_bytes=0, count=0)


def test_a_log_that_can_not_be_written_is_said_once_and_again_when_it_can(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "w.log").symlink_to("/dev/full")
    logs.set_up("w", tmp_path, max_bytes=0, count=0)
    log.info("lost")
    log.info("lost too")
    assert capfd.readouterr().err == (
        f"horarium: the log {tmp_path}/w.log can't be written ([Errno 28] No space left on device); lines are lost until it can\n"
    )


class FullStream(io.TextIOBase):
    """A stderr on a disk that is full."""

    def write(self, _text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_that_holds_stderr_too_ends_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "w.log").symlink_to("/dev/full")
    logs.set_up("w", tmp_path, max_bytes=0, count=0)
    monkeypatch.setattr(sys, "stderr", FullStream())
    log.info("lost")
    assert logging.getLogger().handlers


def test_tail_gives_the_last_lines_that_are_not_blank(tmp_path: Path) -> None:
    path = tmp_path / "w.log"
    path.write_text("one\n\ntwo\n \nthree\n\n")
    assert logs.tail(path, 2) == ["two", "three"]
    assert logs.tail(tmp_path / "missing.log", 2) == []


def test_set_up_again_replaces_what_was_set_up_before(tmp_path: Path) -> None:
    first = logs.set_up("a", tmp_path, max_bytes=0, count=0)
    second = logs.set_up("b", tmp_path, max_bytes=0, count=0)
    log.info("only once")
    assert (len(lines_of(first)), len(lines_of(second))) == (0, 1)
