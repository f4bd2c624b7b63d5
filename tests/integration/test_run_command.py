"""Does `launch.py run` run one period as a worker would, with its output on the terminal and its end in the exit code?"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from launcher.parts import Roof
from tests.support.pretended_roof import Terminal

CONTEXT = """
from system.context import managed_context_entry as entry, timetable_tree_entry
process_context = [
    entry("good", "jobs.good", "a", "_daily", arguments={"greeting": "hello"}),
    entry("bad", "jobs.bad", "b", "_daily"),
    entry("none", "jobs.none", "c", "_daily"),
    entry("slow", "jobs.slow", "d", "_daily", timeout_s=0.2),
    entry("shell", "", "e", "_daily", argv=("sh", "-c", "echo $HORARIUM_TIMEPERIOD $HORARIUM_SLOTS; exit $(($HORARIUM_FENCE - 1))")),
    entry("grouped", "jobs.good", "f", "_hourly", time_grouping=3, arguments={"greeting": "hi"}),
    entry("safe", "jobs.safe", "h", "_daily"),
    entry("curious", "", "i", "_daily", argv=("sh", "-c", "echo none $HORARIUM_TOKEN $HORARIUM_URL $HORARIUM_SLOTS")),
    entry("loud", "jobs.loud", "g", "_daily"),
]
timetable_context = [timetable_tree_entry(p.name, [p.name]) for p in process_context]
"""
JOBS = """
import time
def good(work):
    print(work.arguments["greeting"], work.process, work.timeperiod, work.start_timeperiod, work.end_timeperiod, work.fence, work.uow_id)
    return work.done(3)
def bad(work):
    raise RuntimeError("the source is broken")
def none(work):
    return work.no_data("nothing there")
def slow(work):
    time.sleep(60)
def safe(work):
    print("key", work.secret("key"))
    return len(work.secret("key"))
def loud(work):
    print("\\x1b[31mred")
"""
DAY = "2026010200"


@pytest.fixture
def terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    (tmp_path / "context.py").write_text(CONTEXT)
    (tmp_path / "jobs.py").write_text(JOBS)
    return Terminal(Roof({"HORARIUM_SLOTS": "7"}, tmp_path), capsys)


def test_a_job_sees_what_a_worker_would_give_it_and_prints_on_the_terminal(terminal: Terminal) -> None:
    assert terminal.run("run", "good", DAY) == 0
    assert terminal.out == f"hello good {DAY} {DAY} 2026010300 1 good/{DAY}/1/1\n"
    assert terminal.err.startswith(f"good {DAY}: done, 3 rows (")


def test_a_job_gets_its_secrets_and_none_is_shown(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HORARIUM_SECRET_KEY", "swordfish-42")
    assert terminal.run("run", "safe", DAY) == 0
    assert terminal.out == "key ***\n"
    assert "done, 12 rows" in terminal.err


def test_a_job_is_not_given_what_commands_go_by(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HORARIUM_TOKEN", "swordfish-42")
    monkeypatch.setenv("HORARIUM_URL", "https://mx.example.org/")
    assert terminal.run("run", "curious", DAY) == 0
    assert terminal.out == "none 7\n"


def test_nothing_is_recorded(terminal: Terminal) -> None:
    before = dict(os.environ)
    assert terminal.run("run", "good", DAY) == 0
    assert not (terminal.roof.here / "var").exists()
    assert dict(os.environ) == before


def test_a_job_that_fails_shows_its_traceback_and_exits_with_1(terminal: Terminal) -> None:
    assert terminal.run("run", "bad", DAY) == 1
    assert "jobs.py" in terminal.out
    assert f"bad {DAY}: failed: RuntimeError: the source is broken" in terminal.err


def test_no_data_is_no_failure(terminal: Terminal) -> None:
    assert terminal.run("run", "none", DAY) == 0
    assert f"none {DAY}: no data: nothing there" in terminal.err


def test_the_time_limit_holds(terminal: Terminal) -> None:
    assert terminal.run("run", "slow", DAY) == 1
    assert "timed out after" in terminal.err


def test_a_command_finds_its_period_and_the_settings_in_its_environment(terminal: Terminal) -> None:
    assert terminal.run("run", "shell", DAY) == 0
    assert terminal.out == f"{DAY} 7\n"
    assert terminal.run("run", "shell", DAY, "--fence", "4") == 1
    assert "exit code 3" in terminal.err


def test_a_group_is_run_by_its_end(terminal: Terminal) -> None:
    assert terminal.run("run", "grouped", "2026010206") == 0
    assert "2026010206 2026010204 2026010207" in terminal.out
    assert terminal.run("run", "grouped", "2026010205") == 2
    assert terminal.err == "error: grouped 2026010205 is never run: time_grouping=3 runs 2026010206 for it\n"


def test_as_json_it_is_one_document_with_the_output_inside(terminal: Terminal) -> None:
    document = terminal.json("run", "good", DAY)
    assert (document["ending"], document["rows"], document["output"].split()[0]) == ("done", 3, "hello")
    assert terminal.json("run", "bad", DAY)["reason"] == "RuntimeError: the source is broken"


def test_what_is_printed_does_not_steer_the_terminal(terminal: Terminal) -> None:
    assert terminal.run("run", "loud", DAY) == 0
    assert terminal.out == "\N{REPLACEMENT CHARACTER}[31mred\n"


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("goood", DAY), "did you mean good?"),
        (("good", "2026010207"), "the format is YYYYMMDD00"),
        (("good",), "missing argument 'PERIOD'"),
        (("good", DAY, "--fence", "0"), "invalid value for '--fence'"),
    ],
)
def test_what_can_not_be_run_is_a_usage_error(terminal: Terminal, argv: tuple[str, ...], expected: str) -> None:
    assert terminal.run("run", *argv) == 2
    assert expected in terminal.err
