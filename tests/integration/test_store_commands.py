"""Do `launch.py db`, `shell` and `completion` do what they say over a real store, and refuse where they should?"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher.alone import only_one, pid_path
from launcher.parts import Roof
from launcher.web.address import told_path
from supervisor.local_crew import folder_id
from system import processes
from system.processes import MARK_VARIABLE, Identity
from tests.support.pretended_roof import Terminal
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
CONTEXT = """
from system.context import managed_context_entry, timetable_tree_entry
process_context = [managed_context_entry("a", "", "a", "_daily", argv=("true",), start="2026010100")]
timetable_context = [timetable_tree_entry("a", ["a"])]
"""

OLD_UOW = """
from datetime import datetime, UTC
from db.model import Turn, UnitOfWork
from system.lifecycle import UowState
at = datetime(2020, 1, 1, tzinfo=UTC)
uow = UnitOfWork("a/2020010100/1/1", "a", "2020010100", "q", "2020010100", "2020010200", at, 1, UowState.PROCESSED, finished_at=at)
store.project(Turn(0, "old", at, opened=(uow,)), [])
"""

SESSION = """
from datetime import datetime, UTC
from db.model import Session
store.open_session(Session("worker-of-{box}", "worker", "{box}", {who.pid}, {who.created_s}, datetime(2026, 1, 1, tzinfo=UTC)))
"""


class Person(io.StringIO):
    """Somebody at a terminal who types one line."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    (tmp_path / "context.py").write_text(CONTEXT)
    return Terminal(Roof({}, tmp_path), capsys)


@pytest.fixture
def var(terminal: Terminal) -> Path:
    """A folder with a store in which a command waits."""
    assert terminal.run("job", "cancel", "a", "2026010100", "--why", "test") == 0
    return terminal.roof.settings.folder


def is_empty(terminal: Terminal) -> bool:
    assert terminal.run("shell", "-c", "print(len(store.open_commands(9)))") == 0
    return terminal.out == "0\n"


# -- db


def test_sizes_count_what_is_kept(terminal: Terminal, var: Path) -> None:
    document = terminal.json("db", "--sizes")
    assert document["records"]["commands"] == 1
    assert document["bytes"]["store"] >= (var / "horarium.db").stat().st_size
    assert terminal.run("db", "--sizes") == 0
    assert "units of work" in terminal.out


def test_what_is_old_is_archived_at_once(terminal: Terminal, var: Path) -> None:
    assert terminal.run("shell", "-c", OLD_UOW) == 0
    assert terminal.json("db", "--archive") == {"removed": 1, "archive": str(var / "archive")}
    assert [path.name for path in (var / "archive").iterdir()] == ["uow-2020-01.jsonl.gz"]
    assert terminal.run("db", "--archive") == 0
    assert terminal.out == f"0 records are in {var / 'archive'} now, and no longer in the store\n"


def test_what_is_old_is_dropped_where_no_archive_is_wanted(terminal: Terminal, var: Path) -> None:
    assert terminal.run("shell", "-c", OLD_UOW) == 0
    terminal.roof = Roof({"HORARIUM_ARCHIVE": "none"}, terminal.roof.here)
    assert terminal.run("db", "--archive") == 0
    assert terminal.out == "1 records dropped\n"
    assert not (var / "archive").exists()


def test_update_makes_a_store_and_leaves_one_as_it_is(terminal: Terminal, var: Path) -> None:
    assert terminal.run("db", "--update") == 0
    assert terminal.out == f"sqlite:///{var}/horarium.db is up to date: `launch.py up` may start\n"
    assert not is_empty(terminal)


def test_update_works_where_no_store_is_yet(terminal: Terminal) -> None:
    assert terminal.json("db", "--update")["done"] == "updated"
    assert (terminal.roof.settings.folder / "horarium.db").exists()


def test_reset_forgets_everything_where_yes_was_said(terminal: Terminal, var: Path) -> None:
    (var / "output").mkdir()
    assert terminal.run("db", "--reset", "--yes") == 0
    assert terminal.out == f"sqlite:///{var}/horarium.db is empty, and ready: `launch.py up` may start\n"
    assert is_empty(terminal)
    assert not (var / "output").exists()


def test_reset_asks_a_person(terminal: Terminal, var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Person("n\n"))
    assert terminal.run("db", "--reset") == 1
    assert f"forget all that was ever done, and remove {var}/horarium.db (" in terminal.err
    monkeypatch.setattr(sys, "stdin", Person("y\n"))
    assert terminal.run("db", "--reset") == 0
    assert is_empty(terminal)


def test_reset_does_nothing_where_nobody_can_be_asked(terminal: Terminal, var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert terminal.run("db", "--reset") == 1
    assert "add --yes" in terminal.err
    assert not is_empty(terminal)


@pytest.mark.parametrize("action", ["--update", "--reset"])
def test_it_is_refused_while_up_runs(terminal: Terminal, var: Path, action: str) -> None:
    with only_one(var / "up.lock"):
        assert terminal.run("db", action, "--yes") == 1
    assert f"another `launch.py up` runs over {var} (pid {os.getpid()})" in terminal.err
    assert not is_empty(terminal)


def test_it_is_refused_while_a_worker_that_outlived_its_up_runs(terminal: Terminal, var: Path) -> None:
    environ = {**os.environ, MARK_VARIABLE: f"{folder_id(var)}.worker.1.abc"}
    with subprocess.Popen(["sleep", "60"], env=environ) as worker:
        wait_until(lambda: MARK_VARIABLE.encode() in Path(f"/proc/{worker.pid}/environ").read_bytes(), what="the worker to run")
        assert terminal.run("db", "--reset", "--yes") == 1
        worker.kill()
    assert f"processes of this deployment still run (pid {worker.pid})" in terminal.err
    assert not is_empty(terminal)


@pytest.fixture
def stranger() -> Iterator[Identity]:
    """A process without a mark, as one that was started without a supervisor."""
    with subprocess.Popen(["sleep", "60"], env={}) as process:
        who = processes.identity_of(process.pid)
        assert who is not None
        yield who
        process.kill()


def name_it(who: Identity, how: str, terminal: Terminal, var: Path) -> None:
    """Let a process be named as the one of that kind would be."""
    if how == "a daemon of its own":
        path = pid_path(var, "scheduler")
        path.parent.mkdir()
        processes.write_pid_file(path, who, mark="daemon")
    elif how == "a dashboard":
        told_path(var).parent.mkdir()
        told_path(var).write_text(json.dumps({"url": "http://127.0.0.1:8642/", "pid": who.pid, "created_s": who.created_s}))
    else:
        assert terminal.run("shell", "-c", SESSION.format(box=terminal.roof.settings.box, who=who)) == 0


@pytest.mark.parametrize("how", ["a daemon of its own", "a dashboard", "a session"])
@pytest.mark.parametrize("action", ["--update", "--reset"])
def test_it_is_refused_while_a_process_without_a_supervisor_runs(
    terminal: Terminal, var: Path, stranger: Identity, how: str, action: str
) -> None:
    name_it(stranger, how, terminal, var)
    assert terminal.run("db", action, "--yes") == 1
    assert f"processes of this deployment still run (pid {stranger.pid})" in terminal.err
    assert not is_empty(terminal)


def test_a_session_of_a_dead_process_and_one_of_another_box_are_in_nobodys_way(terminal: Terminal, var: Path, stranger: Identity) -> None:
    dead = Identity(stranger.pid, stranger.created_s - 60)
    for box, who in ((terminal.roof.settings.box, dead), ("elsewhere", stranger)):
        assert terminal.run("shell", "-c", SESSION.format(box=box, who=who)) == 0
    assert terminal.run("db", "--reset", "--yes") == 0


def test_a_store_that_can_not_be_read_may_be_reset(terminal: Terminal, var: Path) -> None:
    for path in var.glob("horarium.db*"):
        path.unlink()
    (var / "horarium.db").write_bytes(b"no database at all" * 100)
    assert terminal.run("db", "--reset", "--yes") == 0
    assert is_empty(terminal)


def test_a_server_that_is_away_is_not_reset(terminal: Terminal) -> None:
    terminal.roof.given = ("store_url=mongodb://ann:secret@127.0.0.1:1/x?serverSelectionTimeoutMS=50",)
    assert terminal.run("db", "--reset", "--yes") == 1
    assert "no MongoDB server serves: 127.0.0.1:1: [Errno 111] Connection refused; see that it runs" in terminal.err
    assert "secret" not in terminal.err


@pytest.mark.parametrize("argv", [(), ("--update", "--reset")])
def test_one_of_the_two_must_be_said(terminal: Terminal, argv: tuple[str, ...]) -> None:
    assert terminal.run("db", *argv) == 2
    assert terminal.err == "error: say what to do: --update, --reset, --sizes or --archive\n"


# -- shell


def test_the_shell_has_desk_store_and_context_at_hand(terminal: Terminal) -> None:
    assert terminal.run("shell", "-c", "print(desk.progress().finished, list(context.managed), store.sessions(), settings.slots)") == 0
    assert terminal.out == "0 ['a'] [] 2\n"


def test_code_from_a_pipe_is_run(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("def f():\n    return 7\nprint(f())\n"))
    assert terminal.run("shell") == 0
    assert terminal.out == "7\n"


def test_a_person_at_a_terminal_gets_a_prompt(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Person("print(list(context.managed))\n"))
    assert terminal.run("shell") == 0
    assert "['a']" in terminal.out
    assert "At hand: desk, store, broker" in terminal.err


@pytest.mark.parametrize(
    ("code", "exit_code", "said"),
    [("1 / 0", 1, "ZeroDivisionError"), ("x =", 1, "error: SyntaxError"), ("exit(3)", 3, ""), ("exit('no')", 1, "no\n"), ("exit()", 0, "")],
)
def test_how_the_code_ends_is_the_exit_code(terminal: Terminal, code: str, exit_code: int, said: str) -> None:
    assert terminal.run("shell", "-c", code) == exit_code
    assert said in terminal.err


def test_the_shell_needs_a_context_and_a_store_that_can_be_used(terminal: Terminal) -> None:
    terminal.roof.given = ("store_url=oracle://x",)
    assert terminal.run("shell", "-c", "1") == 1
    assert "HORARIUM_STORE_URL: the store's URL" in terminal.err


# -- completion


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_calls_this_launcher(terminal: Terminal, shell: str) -> None:
    assert terminal.run("completion", shell) == 0
    line = next(line for line in terminal.out.splitlines() if f"_LAUNCH_PY_COMPLETE={shell}_complete" in line)
    assert f"{sys.executable} {ROOT}/launch.py" in line
    assert "$1" not in line


def test_bash_completes_commands_and_options() -> None:
    script = (
        f'source <({sys.executable} {ROOT}/launch.py completion bash)\nCOMP_WORDS=(launch.py job re) COMP_CWORD=2\n'
        '_launchpy_completion launch.py\necho "${COMPREPLY[@]}"\n'
    )
    environ = {name: text for name, text in os.environ.items() if not name.startswith("HORARIUM_")}
    found = subprocess.run(["bash", "-c", script], env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert sorted(found.stdout.split()) == ["release", "reprocess"]


def test_an_unknown_shell_is_a_usage_error(terminal: Terminal) -> None:
    assert terminal.run("completion", "csh") == 2
    assert "'csh' is not one of 'bash', 'zsh', 'fish'" in terminal.err
