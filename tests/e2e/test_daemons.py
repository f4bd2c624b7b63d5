"""Does a box run by itself: start, query, stop, and all that can be killed, stopped or taken for another in between?"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from system import processes
from system.processes import Identity
from tests.support.deployments import ROOT, Deployment
from tests.support.waiting import wait_until

POLLER = """
from system.context import daemon_context_entry
process_context += [daemon_context_entry("poller", "jobs.poll", "poll", arguments={"every": 0.05})]
process_context += [daemon_context_entry("shaky", "jobs.crash", "crash")]
"""
POLL = """
def poll(work):
    work.log.info("polls on %s", work.box)
    try:
        while True:
            (HERE / "polled").write_text(str(os.getpid()))
            time.sleep(work.arguments["every"])
    finally:
        (HERE / "ended").touch()
def crash(work):
    raise RuntimeError("there is no such host")
"""


class DaemonBox(Deployment):
    """A deployment that runs as daemons."""

    def rows(self) -> dict[str, dict[str, Any]]:
        """Return what `query` says, by name."""
        return {row["name"]: row for row in json.loads(self.call("query", "--json")[1])}

    def supervisor(self) -> Identity | None:
        """Return the supervisor that runs, None where none does."""
        said = processes.read_pid_file(self.var / "daemons" / "supervisor.pid")
        return said.identity if said and processes.is_alive(said.identity) else None

    def begin(self) -> Identity:
        """Start, and return the supervisor once its processes run."""
        code, _, err = self.call("start")
        assert code == 0, err
        wait_until(lambda: all(self.identity(name) for name in ("scheduler", "worker.1")), what="the children to run")
        found = self.supervisor()
        assert found is not None
        return found


@pytest.fixture
def box(tmp_path: Path) -> Iterator[DaemonBox]:
    """A day of hours, done in a moment; everything ends with the test."""
    made = DaemonBox(tmp_path, days=1)
    made.environ["HORARIUM_WORKERS"] = "1"
    yield made
    made.end()


def test_start_query_and_stop(box: DaemonBox) -> None:
    supervisor = box.begin()
    wait_until(lambda: len(box.ended()) == 25, within_s=30, what="the day to be done")
    assert {(n, r["kept_by"], r["state"]) for n, r in box.rows().items()} == {
        ("supervisor", "daemon", "runs"), ("scheduler", "supervisor", "runs"), ("worker.1", "supervisor", "runs"),
    }  # fmt: skip
    code, out, err = box.call("stop")
    assert (code, err) == (0, "")
    assert f"stopping supervisor, pid {supervisor.pid} ..." in out
    assert box.leftovers() == []
    assert box.call("query")[0] == 1


def test_a_daemon_has_no_terminal_and_no_parent_of_ours(box: DaemonBox) -> None:
    supervisor = box.begin()
    assert os.getsid(supervisor.pid) != os.getsid(0)
    assert supervisor not in processes.children(processes.own_identity(), recursive=True)
    assert {str(Path(f"/proc/{supervisor.pid}/fd/{n}").readlink()) for n in (1, 2)} == {str(box.var / "log" / "supervisor.out")}


def test_survivors_of_a_killed_supervisor_are_adopted_by_the_next_one(box: DaemonBox) -> None:
    first = box.begin()
    kept = {name: box.identity(name) for name in ("scheduler", "worker.1")}
    processes.end(first)
    wait_until(lambda: box.supervisor() is None)
    assert box.call("query")[0] == 1
    assert {r["state"] for n, r in box.rows().items() if n != "supervisor"} == {"runs"}
    second = box.begin()
    assert second != first
    wait_until(lambda: "adopted worker.1" in (box.var / "log" / "supervisor.log").read_text())
    assert {name: box.identity(name) for name in kept} == kept


def test_stop_ends_what_a_killed_supervisor_left(box: DaemonBox) -> None:
    processes.end(box.begin())
    wait_until(lambda: box.supervisor() is None)
    code, out, _ = box.call("stop")
    assert code == 0
    assert "that a supervisor had left running" in out
    assert box.leftovers() == []
    assert json.loads(box.call("status", "--json")[1])["health"]["sessions"] == []


def test_a_stopped_child_is_shown_and_ended_all_the_same(box: DaemonBox) -> None:
    box.begin()
    worker = box.identity("worker.1")
    assert worker is not None
    processes.send_signal(worker, signal.SIGSTOP)
    wait_until(lambda: box.rows()["worker.1"]["state"] == "stopped by a signal")
    assert box.call("stop")[0] == 0
    assert not processes.is_alive(worker)


def test_a_stopped_supervisor_is_killed_in_the_end_and_its_children_are_ended(box: DaemonBox) -> None:
    box.environ["HORARIUM_STOP_GRACE_S"] = "0.5"
    supervisor = box.begin()
    processes.send_signal(supervisor, signal.SIGSTOP)
    code, out, _ = box.call("stop")
    assert code == 0
    assert "killed supervisor: it did not end within" in out
    assert box.leftovers() == []


def test_fault_22_a_stranger_with_a_reused_pid_is_never_signaled(box: DaemonBox) -> None:
    with subprocess.Popen(["sleep", "1000"]) as stranger:
        who = processes.identity_of(stranger.pid)
        assert who is not None
        (box.var / "daemons").mkdir(parents=True)
        processes.write_pid_file(box.var / "daemons" / "supervisor.pid", Identity(who.pid, who.created_s - 60), mark="daemon")
        assert box.rows()["supervisor"]["state"] == "gone, a stranger has its pid"
        code, out, _ = box.call("stop")
        assert (code, out) == (0, "nothing runs on this box\n")
        assert stranger.poll() is None
        stranger.kill()


def test_up_and_a_daemon_refuse_each_other(box: DaemonBox) -> None:
    supervisor = box.begin()
    code, _, err = box.call("up")
    assert (code, f"a supervisor runs over {box.var} as a daemon (pid {supervisor.pid}): `launch.py stop` ends it" in err) == (1, True)
    code, _, err = box.call("start")
    assert (code, f"supervisor runs already, as a daemon, pid {supervisor.pid}" in err) == (1, True)
    assert box.call("stop")[0] == 0
    up = box.start("up")
    wait_until(lambda: box.identity("worker.1") is not None)
    code, _, err = box.call("start")
    assert (code, f"supervisor runs already, by `launch.py up`, pid {up.pid}" in err) == (1, True)


def test_stop_ends_an_up_too(box: DaemonBox) -> None:
    up = box.start("up")
    wait_until(lambda: box.identity("worker.1") is not None)
    assert box.call("stop")[0] == 0
    assert up.wait(5) == 0


def test_a_single_process_may_be_a_daemon_without_a_supervisor(box: DaemonBox) -> None:
    assert box.call("start", "scheduler")[0] == 0
    assert box.rows()["scheduler"]["kept_by"] == "daemon"
    code, _, err = box.call("start")
    assert (code, "scheduler runs as a daemon of its own" in err) == (1, True)
    assert box.call("stop", "scheduler")[1].endswith("scheduler has stopped\n")
    assert box.leftovers() == []


def test_a_single_process_on_the_console_is_named_too_and_runs_once(box: DaemonBox) -> None:
    console = box.start("start", "scheduler", "--console")
    wait_until(lambda: "scheduler" in box.rows(), what="the scheduler to be named")
    code, _, err = box.call("start", "scheduler")
    assert (code, f"scheduler runs already, as a daemon, pid {console.pid}" in err) == (1, True)
    call = [sys.executable, str(ROOT / "process_starter.py"), "scheduler", "--console"]  # as systemd does
    again = subprocess.run(call, env=box.environ, capture_output=True, text=True, timeout=40, check=False)
    assert (again.returncode, f"scheduler runs already, pid {console.pid}" in again.stderr) == (1, True)
    assert f"processes of this deployment still run (pid {console.pid})" in box.call("db", "--reset", "--yes")[2]


def test_the_pid_file_of_a_killed_process_on_the_console_is_in_nobodys_way(box: DaemonBox) -> None:
    first = box.start("start", "scheduler", "--console")
    wait_until(lambda: "scheduler" in box.rows(), what="the scheduler to be named")
    first.kill()
    first.wait()
    second = box.start("start", "scheduler", "--console")
    wait_until(lambda: box.rows()["scheduler"]["pid"] == second.pid, what="the next one to be named")
    assert box.call("stop", "scheduler")[0] == 0
    second.wait(20)
    assert box.leftovers() == []


def test_start_on_the_console_stays_and_ends_by_ctrl_c(box: DaemonBox) -> None:
    console = box.start("start", "--console")
    wait_until(lambda: box.identity("worker.1") is not None)
    console.send_signal(signal.SIGINT)
    _, err = console.communicate(timeout=20)
    assert console.returncode == 0
    assert "started worker.1" in err
    assert box.leftovers() == []


def test_a_closed_terminal_ends_start_on_the_console_in_order(box: DaemonBox) -> None:
    console = box.start("start", "--console")
    wait_until(lambda: box.identity("worker.1") is not None)
    console.send_signal(signal.SIGHUP)
    console.communicate(timeout=20)
    assert console.returncode == 0
    assert box.leftovers() == []


def test_what_an_operator_switches_is_taken_up_without_a_restart(box: DaemonBox) -> None:
    supervisor, scheduler = box.begin(), box.identity("scheduler")
    assert box.call("super", "--start", "worker", "--instances", "2")[0] == 0
    wait_until(lambda: box.identity("worker.2") is not None, what="the second worker")
    assert box.call("super", "--stop", "worker", "--why", "new disk")[0] == 0
    wait_until(lambda: not box.identity("worker.1") and not box.identity("worker.2"), what="both to end")
    assert "box-1: scheduler 1/1, worker off" in box.call("status")[1]
    assert (box.supervisor(), box.identity("scheduler")) == (supervisor, scheduler)


def test_a_supervisor_tells_what_its_children_use(box: DaemonBox) -> None:
    box.begin()

    def has_memory() -> bool:
        rows = json.loads(box.call("super", "--query", "--json")[1])
        return all(child["memory_bytes"] > 10_000_000 for row in rows for child in row["children"]) and any(r["children"] for r in rows)

    wait_until(has_memory, what="memory of each child")


def test_install_makes_a_box_ready_and_says_what_is_next(box: DaemonBox) -> None:
    code, out, err = box.call("install")
    assert (code, err) == (0, "")
    assert "this box: box-1 keeps 1 x scheduler, 1 x worker" in out
    assert "launch.py start" in out
    assert json.loads(box.call("install", "--json")[1])["keeps"] == {"scheduler": 1, "worker": 1}
    assert {path.name for path in box.var.iterdir()} >= {"log", "run", "daemons", "output", "horarium.db"}


def test_the_tests_of_a_project_are_run(box: DaemonBox) -> None:
    test = box.folder / "test_jobs.py"
    test.write_text("import jobs\nimport system.context\ndef test_it():\n    assert callable(jobs.hourly)\n")
    assert box.call("test", "-q")[0] == 0
    test.write_text("def test_it():\n    assert False\n")
    code, out, _ = box.call("test", "-q", "--json")
    assert (code, json.loads(out)["is_good"]) == (1, False)
    test.unlink()
    assert (box.call("test")[0], "there are no tests in" in box.call("test")[2]) == (1, True)


def test_daemons_of_the_context_are_kept_alive_and_end_in_order(box: DaemonBox) -> None:
    context, jobs = box.folder / "context.py", box.folder / "jobs.py"
    context.write_text(context.read_text() + POLLER)
    jobs.write_text(jobs.read_text() + POLL)
    box.begin()
    wait_until((box.folder / "polled").exists)
    first = int((box.folder / "polled").read_text())
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: (box.folder / "polled").read_text() not in ("", str(first)), what="the poller to poll again")
    wait_until(lambda: "shaky died: exit code 1" in (box.var / "log" / "supervisor.log").read_text())
    assert "there is no such host" in (box.var / "log" / "shaky.log").read_text()
    assert box.call("stop")[0] == 0
    assert (box.folder / "ended").exists()


def test_a_changed_context_starts_and_changes_daemons_without_a_restart(box: DaemonBox) -> None:
    context, jobs = box.folder / "context.py", box.folder / "jobs.py"
    supervisor = box.begin()
    jobs.write_text(jobs.read_text() + POLL)
    context.write_text(context.read_text() + POLLER.replace("shaky", "other").replace("jobs.crash", "jobs.poll"))
    wait_until(lambda: box.identity("poller") is not None, what="the new daemon to run")
    wait_until(lambda: box.identity("other") is not None, what="the other new daemon to run")
    first, scheduler = box.identity("poller"), box.identity("scheduler")
    context.write_text(context.read_text().replace('"every": 0.05', '"every": 0.04'))
    wait_until(lambda: box.identity("poller") not in (None, first), what="the changed daemon to be started anew")
    assert (box.supervisor(), box.identity("scheduler")) == (supervisor, scheduler)


def test_of_two_that_start_the_same_at_once_one_is_told_so(box: DaemonBox) -> None:
    both = [box.start("start", "scheduler") for _ in range(2)]
    said = [process.communicate(timeout=40)[1] for process in both]
    assert sorted(process.returncode for process in both) == [0, 1]
    (refused,) = [text for text in said if text]
    assert "scheduler is being started by another" in refused or "scheduler runs already" in refused
    assert box.call("stop")[0] == 0
    assert box.leftovers() == []


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("start", "poler"), "there is no process 'poler' to start; there are supervisor, scheduler, worker, mx (or such as worker.2)"),
        (("stop", "worker.1"), "no daemon is called 'worker.1': nothing was started by `launch.py start`"),
        (("query", "--all"), "no such option"),
    ],
)
def test_a_wrong_word_is_a_usage_error(box: DaemonBox, argv: tuple[str, ...], says: str) -> None:
    code, out, err = box.call(*argv)
    assert (code, out) == (2, "")
    assert says in err


def test_what_ends_a_daemon_at_its_start_is_said_in_the_terminal(box: DaemonBox) -> None:
    box.call("up", "--until-done")
    context = box.folder / "context.py"
    context.write_text(context.read_text().replace('start="2024010100"', 'start="2023010100"'))
    code, out, err = box.call("start")
    assert (code, out) == (1, "")
    assert "the context changes the timetable of registered processes" in err
    assert box.supervisor() is None
