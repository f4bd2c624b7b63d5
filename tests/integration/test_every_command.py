"""Is every command of the tree fit to be looked at? Good and wrong input, no store, no scheduler, 80 columns and 200, a pipe, `--json`.

The table below has a row for each command; a command without a row fails. What needs running processes (`up`, `start`) is run by
tests/e2e; here they are given what they must refuse.
"""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from launcher.main import cli, main
from launcher.parts import ROOT, Roof
from system.sqlfile import SqlFile
from tests.support.commands import commands_of

CONTEXT = """
from system.context import daemon_context_entry, freerun_context_entry, managed_context_entry, timetable_tree_entry

LONG = "a_process_with_quite_a_long_name_that_goes_on_daily"
process_context = [
    managed_context_entry("sales_hourly", "jobs.run", "sales", "_hourly", start="2026010100", end="2026010200", deadline=600),
    managed_context_entry("sales_daily", "jobs.run", "sales", "_daily", start="2026010100", end="2026010300",
                          blocking_type="blocking_children"),
    managed_context_entry(LONG, "jobs.run", "long", "_daily", "cron 30 6 * * 1-5 in Europe/Berlin", start="2026010100",
                          end="2026010300"),
    freerun_context_entry("load", "often", "jobs.run", "load", "every 5"),
    freerun_context_entry("load", "nightly", "jobs.run", "load", "cron 30 3 * * * in Europe/Berlin", arguments={"shop": "Graz"}),
    daemon_context_entry("poller", "jobs.poll", "poll"),
]
timetable_context = [
    timetable_tree_entry("sales", ["sales_hourly", "sales_daily"]),
    timetable_tree_entry("long", [LONG], time_zone="Europe/Berlin"),
]
report = "jobs.report"
"""
JOBS = """
import json
import os


def run(work):
    work.log.info("the work of %s", work.timeperiod)
    return 24


def poll(work):
    pass


def report(out_json, facts):
    print(json.dumps(facts) if out_json else "all is well")
"""
DAY = "sales_daily 2026010100"
WHY = "--why 'late data'"
ANSWER = "no scheduler leads"


@dataclass(frozen=True)
class Row:
    """How a command is tried: with what it takes (None: nothing here), with what it refuses, and what it says where nobody leads."""

    good: str | None = ""
    wrong: str = "--nonsense"
    says: str = ""
    code: int = 0  # of what it takes
    refusal: int = 2  # the code of what it refuses
    has_json: bool = True
    needs_store: bool = True


ROWS = {
    "audit": Row("", "nonsense", code=1),
    "completion": Row("bash", "tcsh", has_json=False, needs_store=False),
    "context apply": Row("--yes"),
    "context check": Row(needs_store=False),
    "context plan": Row(),
    "db": Row("--sizes", "--update --reset"),
    "doctor": Row("", "nonsense", code=1, needs_store=False),
    "freerun cancel": Row(f"load often {WHY}", f"load oftn {WHY}", ANSWER),
    "freerun change": Row(f"load often --schedule 'every 6' {WHY}", f"load often {WHY}", ANSWER),
    "freerun create": Row(f"load weekly --schedule 'cron 0 4 * * 1' {WHY}", f"load weekly {WHY}", ANSWER),
    "freerun delete": Row(f"load often {WHY}", "load often", ANSWER),
    "freerun list": Row("", "--process nonsense"),
    "freerun next": Row("load nightly --count 2", "load never"),
    "freerun off": Row(f"load often {WHY}", f"sales_daily often {WHY}", ANSWER),
    "freerun on": Row(f"load often {WHY}", f"nonsense often {WHY}", ANSWER),
    "freerun release": Row(f"load often {WHY}", "load often --why ' '", ANSWER),
    "freerun show": Row("load often", "load never"),
    "freerun trigger": Row(f"load often {WHY}", f"load never {WHY}", ANSWER),
    "init": Row("PROJECT/new", "/proc/nonsense", refusal=1, needs_store=False),
    "install": Row(),
    "job cancel": Row(f"{DAY} {WHY}", f"sales_daly 2026010100 {WHY}", ANSWER),
    "job events": Row(DAY, "sales_daily 2026010101"),
    "job hold": Row(f"{DAY} {WHY}", f"{DAY}.. {WHY}", ANSWER),
    "job list": Row("--state held", "--state nonsense"),
    "job log": Row(DAY, "load often"),
    "job release": Row(f"{DAY} {WHY}", DAY, ANSWER),
    "job reprocess": Row(f"sales_hourly 2026010100..2026010105 {WHY}", f"sales_hourly 2026010105..2026010100 {WHY}", ANSWER),
    "job show": Row(DAY, "sales_daily"),
    "job skip": Row(f"{DAY} {WHY}", f"{DAY} --why x --wait long", ANSWER),
    "job trigger": Row(f"{DAY} {WHY}", f"sales_daily yesterday {WHY}", ANSWER),
    "job why": Row(DAY, "sales_daily 2026", ANSWER),
    "list": Row(needs_store=False),
    "mx openapi": Row(None, "extra", has_json=False, needs_store=False),
    "mx serve": Row(None, "--nonsense", has_json=False, needs_store=False),
    "migrate": Row(None, "--to nonsense://x", refusal=1, needs_store=False),
    "plan": Row(f"skip {DAY}", f"eat {DAY}"),
    "process frequency": Row(f"sales_daily 'at 06:30' {WHY}", f"sales_daily 'every blue moon' {WHY}", ANSWER),
    "process off": Row(f"sales_daily sales_hourly {WHY}", f"load {WHY}", ANSWER),
    "process on": Row(f"sales_daily {WHY}", f"nonsense {WHY}", ANSWER),
    "process reset": Row(f"sales_daily {WHY}", "sales_daily", ANSWER),
    "process show": Row("", "nonsense"),
    "query": Row(code=1, needs_store=False),
    "queue list": Row(),
    "queue dead": Row(),
    "queue purge": Row("q_uow_status --yes", "nonsense"),
    "report": Row("", "nonsense"),
    "run": Row(DAY, "sales_daily 2026010101", needs_store=False),
    "settings": Row(needs_store=False),
    "shell": Row("-c 'print(len(desk.timetable()))'", "-c '1/'", refusal=1, has_json=False),
    "simulate": Row("--from 2026-01-01T00:10 --to 2026-01-01T01 --summary", "--from yesterday --to 2026-11-20", needs_store=False),
    "start": Row(None, "nonsense", needs_store=False),
    "status": Row("", "--nonsense", ANSWER),
    "stop": Row("", "nonsense", needs_store=False),
    "super": Row("--query", "--start nonsense"),
    "test": Row("--version", "--nonsense", refusal=1, needs_store=False),
    "timetable": Row(),
    "token add": Row(None, "nobody ci --role king"),
    "token list": Row("", "--nonsense"),
    "token revoke": Row(None, "nothing", refusal=1, has_json=False),
    "up": Row(None, needs_store=False),
    "user add": Row("ann --without-password", "ann --role king", "ann is viewer", has_json=False),
    "user disable": Row(None, "nobody", refusal=1, has_json=False),
    "user enable": Row(None, "nobody", refusal=1, has_json=False),
    "user link": Row("", "nobody", "good once", refusal=1, has_json=False),
    "user list": Row("", "--nonsense"),
    "user password": Row(None, "", has_json=False),
    "user remove": Row(None, "nobody", refusal=1, has_json=False),
    "user role": Row(None, "ann king", has_json=False),
}
TRIED = {name: row for name, row in ROWS.items() if row.good is not None}


class Tty(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


class Screen:
    """Runs commands over one project, in a terminal of some width or in a pipe (0), and keeps what they printed."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self._monkeypatch = folder, monkeypatch
        self.out = self.err = ""

    def run(self, command: str, given: str, width: int, store: str = "") -> int:
        """Run one command; returns its exit code."""
        environ = {"HORARIUM_CONTEXT": str(self.folder / "context.py"), "HORARIUM_VAR": str(self.folder / "var"), "HORARIUM_BOX": "box-1"}
        environ |= {"HORARIUM_STORE_URL": store} if store else {}
        streams = [Tty() if width else io.StringIO() for _ in range(2)]
        self._monkeypatch.setenv("COLUMNS", str(width or 80))
        self._monkeypatch.setenv("TERM", "xterm")
        self._monkeypatch.setattr("sys.stdout", streams[0])
        self._monkeypatch.setattr("sys.stderr", streams[1])
        code = main([*command.split(), *shlex.split(given.replace("PROJECT", str(self.folder)))], Roof(environ))
        self.out, self.err = (re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", s.getvalue()) if width else s.getvalue() for s in streams)
        return code


@pytest.fixture
def screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Screen:
    (tmp_path / "context.py").write_text(CONTEXT)
    (tmp_path / "jobs.py").write_text(JOBS)
    monkeypatch.chdir(tmp_path)
    return Screen(tmp_path, monkeypatch)


def leaves(group: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Return the commands at the ends of the tree, by what is typed for them."""
    if isinstance(group, click.Group):
        for name, command in commands_of(group):
            yield from leaves(command, (*path, name))
    else:
        yield " ".join(path), group


COMMANDS = dict(leaves(cli))
GROUPS = ("", *sorted({name.split()[0] for name in COMMANDS if " " in name}))


def too_long(text: str, width: int) -> list[str]:
    """Return the lines that a terminal would break; those that are one word, or one thing to be pressed, it may."""
    lines = [re.sub(r"`[^`]*`", "`", line).strip() for line in text.splitlines() if len(line.rstrip()) > width]
    return [line for line in lines if " " in line]


def check_looks(screen: Screen, width: int) -> None:
    """Assert what holds of all that is ever printed."""
    both = screen.out + screen.err
    assert "Traceback" not in both
    assert "\x1b" not in both
    assert not too_long(both, width)


def test_no_command_is_forgotten() -> None:
    assert sorted(ROWS) == sorted(COMMANDS)


@pytest.mark.parametrize("name", [*GROUPS, *COMMANDS])
def test_help_fits_into_80_columns_and_cuts_nothing_short(screen: Screen, name: str) -> None:
    assert screen.run(name, "--help", 80) == 0
    assert screen.out.startswith("Usage: launch.py")
    assert not re.search(r"[a-z,]\.\.\.$", screen.out, re.MULTILINE)
    assert "RANGE" not in screen.out
    check_looks(screen, 80)


@pytest.mark.parametrize("name", COMMANDS)
def test_words_are_those_of_all_commands(name: str) -> None:
    options = {option: parameter for parameter in COMMANDS[name].params for option in parameter.opts}
    assert ("--json" in options) == ROWS[name].has_json
    for option, says in (("--why", "reason"), ("--yes", "Don't ask."), ("--json", "One JSON document"), ("--wait", "wait for the answer")):
        assert option not in options or says in str(getattr(options[option], "help", ""))


@pytest.mark.parametrize("width", [80, 200, 0], ids=["80", "200", "pipe"])
@pytest.mark.parametrize("name", TRIED)
def test_what_a_command_takes_is_shown_well_where_nobody_leads(screen: Screen, name: str, width: int) -> None:
    row = ROWS[name]
    assert screen.run(name, str(row.good), width) == row.code, screen.err
    assert row.says in screen.out
    assert not row.says or name.startswith(("job why", "status", "user")) or "stored as command 1" in screen.out
    if name != "completion":
        check_looks(screen, width or 400)


@pytest.mark.parametrize("name", [name for name in TRIED if ROWS[name].has_json and name != "test"])
def test_json_is_one_document_and_nothing_else(screen: Screen, name: str) -> None:
    row = ROWS[name]
    assert screen.run(name, f"--json {row.good}", 0) == row.code, screen.err
    found = json.loads(screen.out)
    assert isinstance(found, dict | list)
    if "stored as" not in screen.out and row.says and not name.startswith(("job why", "status")):
        assert [one["leads"] for one in (found if isinstance(found, list) else [found])][:1] == [False]


def test_json_of_the_tests_is_kept_apart_from_what_they_print(screen: Screen) -> None:
    environ = {**os.environ, "HORARIUM_CONTEXT": str(screen.folder / "context.py")}
    call = [sys.executable, str(ROOT / "launch.py"), "test", "--json", "--version"]
    done = subprocess.run(call, env=environ, capture_output=True, text=True, check=False)
    assert json.loads(done.stdout)["is_good"]


@pytest.mark.parametrize("name", ROWS)
def test_wrong_input_is_one_message_on_stderr(screen: Screen, name: str) -> None:
    row = ROWS[name]
    assert screen.run(name, row.wrong, 80) == row.refusal
    assert name == "test" or screen.err.count("error: ") == 1
    assert screen.out == ""
    check_looks(screen, 80)


STORELESS = [name for name, row in TRIED.items() if row.needs_store]


@pytest.mark.parametrize("name", STORELESS)
def test_a_store_that_can_not_be_reached_is_said_with_what_to_do(screen: Screen, name: str) -> None:
    (screen.folder / "file").write_text("not a folder")
    assert screen.run(name, str(ROWS[name].good), 80, store=f"sqlite:///{screen.folder}/file/horarium.db") == 1
    assert screen.err.startswith("error: ")
    assert screen.out == ""
    check_looks(screen, 80)


@pytest.mark.parametrize("name", STORELESS)
def test_a_store_of_a_newer_version_is_left_alone(screen: Screen, name: str) -> None:
    newer = SqlFile(screen.folder / "newer.db")
    newer.migrate("store", [lambda conn: None] * 99)
    newer.close()
    assert screen.run(name, str(ROWS[name].good), 80, store=f"sqlite:///{screen.folder}/newer.db") == 1
    assert "install the newer Horarium" in " ".join(screen.err.split())
    check_looks(screen, 80)
