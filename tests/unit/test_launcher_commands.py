"""Do the launcher's commands show and do what they say, and refuse in one message?"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from launcher.parts import Roof, make_writable
from system.errors import ConfigError
from system.lifecycle import UowEvent
from tests.support.lamp import Lamp, hours, january
from tests.support.pretended_roof import LampRoof, Terminal

DAY = ("flights_daily", "2013010100")


@pytest.fixture
def lamp() -> Lamp:
    return Lamp(january())


@pytest.fixture
def terminal(lamp: Lamp, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(LampRoof(lamp), capsys)


def test_list_names_every_process(terminal: Terminal) -> None:
    assert terminal.run("list") == 0
    assert "flights_hourly" in terminal.out
    assert [row["level"] for row in terminal.json("list")] == ["hourly", "daily"]


def test_a_time_that_a_schedule_names_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(LampRoof(Lamp(january(trigger_frequency="cron 30 2 * * * in Asia/Tokyo"))), capsys)
    shown = [(row["schedule"], row["next"]) for row in terminal.json("list")]
    assert shown == [("cron 30 2 * * * in Asia/Tokyo", "2020-01-01T17:30:00+00:00")] * 2
    assert terminal.run("list") == 0
    assert "2020-01-01 17:30:00Z" in terminal.out
    assert terminal.run("status") == 0
    assert "flights_daily at 2020-01-01 17:30:00Z" in terminal.out


def test_an_interval_names_no_time_to_show(terminal: Terminal) -> None:
    assert [row["next"] for row in terminal.json("list")] == [None, None]
    assert terminal.run("list") == 0
    assert "next" not in terminal.out


def test_list_shows_what_is_in_force_beside_the_context(lamp: Lamp, terminal: Terminal) -> None:
    terminal.run("process", "off", "flights_daily", "--why", "repairs", "--wait", "0")
    terminal.run("process", "frequency", "flights_daily", "at 03:30", "--why", "later", "--wait", "0")
    lamp.turn()
    hourly, daily = terminal.json("list")
    assert (hourly["on"], hourly["context_on"], hourly["said"]) == ("on", "on", "")
    assert (daily["on"], daily["context_on"], daily["schedule"], daily["next"]) == ("off", "on", "at 03:30", None)
    assert daily["context_schedule"] == hourly["schedule"]
    assert [word in daily["said"] for word in ("repairs", "later")] == [True, True]
    assert terminal.run("list") == 0
    assert "off (context: on)" in terminal.out


def test_list_shows_the_context_before_there_is_a_store(tmp_path: Path, lamp: Lamp, capsys: pytest.CaptureFixture[str]) -> None:
    roof = Roof({}, tmp_path)
    roof.__dict__["context"] = lamp.context
    terminal = Terminal(roof, capsys)
    assert [row["on"] for row in terminal.json("list")] == ["on", "on"]
    assert (terminal.err, list(tmp_path.iterdir())) == ("", [])


def test_list_shows_the_context_with_a_warning_where_the_store_is_away(
    tmp_path: Path, lamp: Lamp, capsys: pytest.CaptureFixture[str]
) -> None:
    roof = Roof({"HORARIUM_STORE_URL": f"sqlite:///{tmp_path}"}, tmp_path)
    roof.__dict__["context"] = lamp.context
    terminal = Terminal(roof, capsys)
    assert [row["on"] for row in terminal.json("list")] == ["on", "on"]
    assert terminal.err.startswith("warning: shown is the context alone")


def test_timetable_counts_per_tree_and_level(lamp: Lamp, terminal: Terminal) -> None:
    lamp.turn()
    lamp.work(*hours(5))
    hourly = next(level for level in terminal.json("timetable") if level["process"] == "flights_hourly")
    assert (hourly["due"], hourly["finished"], hourly["counts"]["state_processed"]) == (24, 5, 5)
    assert terminal.run("timetable") == 0
    assert "flights_daily" in terminal.out


def test_why_goes_down_to_the_leaf_cause(lamp: Lamp, terminal: Terminal) -> None:
    lamp.turn()
    assert terminal.run("job", "why", *DAY) == 0
    assert "24 unfinished in flights_hourly, first 2013010100" in terminal.out
    assert "wait in the backfill queue" in terminal.out


def test_why_as_json_is_the_same_tree(terminal: Terminal) -> None:
    document = terminal.json("job", "why", *DAY)
    assert document["causes"][0]["kind"] == "children"
    assert document["causes"][0]["causes"][0]["timeperiod"] == "2013010100"


def test_show_tells_the_unit_of_work(lamp: Lamp, terminal: Terminal) -> None:
    lamp.turn()
    assert terminal.run("job", "show", "flights_hourly", "2013010100") == 0
    assert "flights_hourly/2013010100/1/1" in terminal.out
    assert terminal.json("job", "show", "flights_hourly", "2013010100")["uow"]["state"] == "state_requested"


def test_log_says_so_when_nothing_was_printed(terminal: Terminal) -> None:
    assert terminal.run("job", "log", *DAY) == 0
    assert terminal.out == ""
    assert "has printed nothing" in terminal.err


def test_status_tells_who_leads_and_what_needs_a_person(lamp: Lamp, terminal: Terminal) -> None:
    lamp.turn()
    lamp.work(hours(1)[0], event=UowEvent.FAILED)
    assert terminal.run("status") == 0
    assert "scheduler-1" in terminal.out
    assert "flights_hourly 2013010100 failing" in terminal.out
    assert terminal.json("status")["health"]["leader"] == "scheduler-1"


def test_status_says_when_nothing_is_scheduled(lamp: Lamp, terminal: Terminal) -> None:
    lamp.store.close_sessions(["scheduler-1"])
    assert terminal.run("status") == 0
    assert "none: nothing is scheduled" in terminal.out


def test_a_command_is_stored_carried_out_and_answered(lamp: Lamp, terminal: Terminal) -> None:
    lamp.run()
    assert terminal.run("job", "reprocess", *DAY, "--why", "late data") == 0
    assert "stored as command 1" in terminal.out
    assert "done: 1 job to start anew" in terminal.out


def test_a_command_that_the_scheduler_refuses_exits_with_1(terminal: Terminal) -> None:
    assert terminal.run("job", "release", *DAY, "--why", "it may go on") == 1
    assert "refused: it is not held" in terminal.err


def test_a_command_without_a_leader_is_kept_and_says_so(lamp: Lamp, terminal: Terminal) -> None:
    lamp.store.close_sessions(["scheduler-1"])
    assert terminal.run("job", "cancel", *DAY, "--why", "test") == 0
    assert "no scheduler leads" in terminal.out
    assert len(lamp.store.open_commands(10)) == 1


def test_a_command_as_json_is_one_document(lamp: Lamp, terminal: Terminal) -> None:
    lamp.run()
    document = terminal.json("job", "reprocess", *DAY, "--why", "late data")
    assert (document["number"], document["state"]) == (1, "done")


def test_a_command_needs_a_reason(terminal: Terminal) -> None:
    assert terminal.run("job", "cancel", *DAY) == 2
    assert "missing option '--why'" in terminal.err
    assert terminal.run("job", "cancel", *DAY, "--why", " ") == 2


def test_an_unknown_process_is_refused_with_the_near_names(terminal: Terminal) -> None:
    assert terminal.run("job", "why", "flight_hourly", "2013010100") == 2
    assert terminal.err == "error: there is no managed process 'flight_hourly'; did you mean flights_hourly or flights_daily?\n"


def test_a_name_that_is_near_nothing_is_answered_with_all(terminal: Terminal) -> None:
    assert terminal.run("job", "why", "zebra", "2013010100") == 2
    assert "there are flights_hourly, flights_daily" in terminal.err


@pytest.mark.parametrize("text", ["2013023000", "2013010107", "yesterday", ""])
def test_an_impossible_timeperiod_is_refused_with_the_format(terminal: Terminal, text: str) -> None:
    assert terminal.run("job", "why", "flights_daily", text) == 2
    assert "the format is YYYYMMDD00" in terminal.err
    assert terminal.err.count("\n") == 1


def test_an_unknown_command_is_a_usage_error(terminal: Terminal) -> None:
    assert terminal.run("jobs") == 2
    assert "no such command 'jobs'" in terminal.err


def test_a_wrong_setting_is_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(Roof({"HORARIUM_SLOTS": "many"}, Path("/srv/horarium")), capsys)
    assert terminal.run("list") == 1
    assert "HORARIUM_SLOTS is 'many': expected a whole number" in terminal.err
    assert "Traceback" not in terminal.err


def test_a_missing_context_is_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(Roof({"HORARIUM_CONTEXT": "/nowhere/context.py"}, Path("/srv/horarium")), capsys)
    assert terminal.run("timetable") == 1
    assert terminal.err.startswith("error: the process context '/nowhere/context.py' is neither")


@pytest.mark.parametrize("name", ["STORE_URL", "BROKER_URL"])
def test_memory_is_refused_where_processes_must_share(
    name: str, lamp: Lamp, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    roof = Roof({f"HORARIUM_{name}": "memory:"}, tmp_path)
    roof.__dict__["context"] = lamp.context
    terminal = Terminal(roof, capsys)
    assert terminal.run("status") == 1
    assert f"HORARIUM_{name} is memory:, which lives in one process only" in terminal.err


def test_a_wrong_url_is_one_message_without_its_password(tmp_path: Path, lamp: Lamp, capsys: pytest.CaptureFixture[str]) -> None:
    roof = Roof({"HORARIUM_STORE_URL": "oracle://ann:secret@db/x", "HORARIUM_VAR": str(tmp_path)}, tmp_path)
    roof.__dict__["context"] = lamp.context
    terminal = Terminal(roof, capsys)
    assert terminal.run("status") == 1
    assert terminal.err.startswith("error: HORARIUM_STORE_URL: the store's URL")
    assert "can't be used; write one of: sqlite:///" in terminal.err
    assert "secret" not in terminal.err


def test_a_disk_that_turned_read_only_is_no_matter_of_permissions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = os.statvfs(tmp_path)
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result([*found[:8], found.f_flag | os.ST_RDONLY, found.f_namemax]))
    with pytest.raises(ConfigError, match="its disk is mounted read-only"):
        make_writable(tmp_path)


def test_a_context_that_prints_leaves_stdout_to_the_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "context.py").write_text("print('hello')\nprocess_context = {}\ntimetable_context = {}\n")
    terminal = Terminal(Roof({}, tmp_path), capsys)
    assert terminal.json("list") == []
    assert terminal.err == "hello\n"


def test_an_interrupt_is_no_traceback(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(_value: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("launcher.listing.show_json", pressed)
    assert terminal.run("list", "--json") == 1
    assert terminal.err.strip() == "error: interrupted"


@pytest.mark.parametrize(("filename", "named"), [(None, ""), ("/srv/var/up.lock", " (/srv/var/up.lock)")])
def test_a_full_disk_is_told_with_what_to_do(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, filename: str | None, named: str) -> None:
    def full(_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), filename)

    monkeypatch.setattr("launcher.listing.show", full)
    assert terminal.run("list") == 1
    assert terminal.err == (
        f"error: the disk is full{named}: free some space, then press the same again; `launch.py doctor` names it\n"
    )
