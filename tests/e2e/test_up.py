"""Does `launch.py up` run a small timetable with real processes, through kills, stops and restarts?"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.deployments import Deployment, overlaps
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]

Deploy = Callable[..., Deployment]


@pytest.fixture
def deploy(tmp_path: Path) -> Iterator[Deploy]:
    """Makes the deployment; everything that was started ends with the test."""
    made: list[Deployment] = []

    def make(**fields: Any) -> Deployment:
        made.append(Deployment(tmp_path, **fields))
        return made[-1]

    yield make
    for deployment in made:
        deployment.end()


@pytest.fixture
def deployment(deploy: Deploy) -> Deployment:
    """Two days of hours, done in a moment."""
    return deploy()


def test_until_done_does_everything_once_and_ends(deployment: Deployment) -> None:
    code, out, err = deployment.call("up", "--until-done", "--json")
    assert code == 0, err
    assert (json.loads(out)["is_done"], json.loads(out)["jobs"], json.loads(out)["uows"]) == (True, 50, 50)
    assert len(deployment.ended()) == 50
    assert set(deployment.ended().values()) == {1}
    assert deployment.leftovers() == []


def test_what_is_done_is_not_done_again(deployment: Deployment) -> None:
    deployment.call("up", "--until-done")
    code, out, _ = deployment.call("up", "--until-done")
    assert code == 0
    assert "nothing is left to do: 50 periods are finished" in out
    assert set(deployment.ended().values()) == {1}


def test_the_first_unit_of_work_starts_within_seconds(deployment: Deployment) -> None:
    deployment.start("up", "--until-done")
    # On a machine of its own it is under 3 s, which `bench/` measures; here others may want the processors too.
    assert wait_until(lambda: bool(deployment.marks())) < 6


def test_kills_of_everyone_cost_time_and_nothing_else(deploy: Deploy) -> None:
    deployment = deploy(days=4, seconds=0.1)
    up = deployment.start("up", "--until-done")
    for at, name in ((5, "worker.1"), (20, "scheduler"), (35, "worker.2"), (50, "worker.1"), (60, "scheduler")):
        wait_until(lambda at=at: len(deployment.ended()) >= at, within_s=30, what=f"{at} jobs")  # type: ignore[misc]
        deployment.kill(name)
    _, err = up.communicate(timeout=60)
    assert up.returncode == 0, err
    assert len(deployment.ended()) == 100
    assert overlaps(deployment.marks()) == []
    assert deployment.leftovers() == []


def test_what_a_killed_worker_held_runs_again_as_soon_as_the_next_worker_has_started(deploy: Deploy) -> None:
    # Two at a time, so that nothing else waits in the queue before what was lost.
    deployment = deploy(days=1, seconds=1.0, fields="max_in_flight=2")
    deployment.environ["HORARIUM_WORKERS"] = "1"
    deployment.start("up", "--until-done")
    start_s = wait_until(lambda: len(deployment.marks()) >= 2, within_s=30)
    held = {mark.job for mark in deployment.marks()}
    deployment.kill("worker.1")
    took_s = wait_until(lambda: held <= {mark.job for mark in deployment.marks() if mark.fence == 2}, within_s=60)
    # Most of both is Python's start, of which the first took three and this one takes one: both are as fast or slow as the machine is.
    # A second look or a lease that had to be waited for would come on top.
    assert took_s < start_s + 0.5


def test_ctrl_c_stops_cleanly_and_a_second_run_goes_on(deploy: Deploy) -> None:
    deployment = deploy(days=2, seconds=0.1)
    up = deployment.start("up")
    wait_until(lambda: len(deployment.ended()) >= 5)
    up.send_signal(signal.SIGINT)
    out, err = up.communicate(timeout=20)
    assert up.returncode == 0, err
    assert "stopped:" in out
    assert deployment.leftovers() == []
    assert deployment.call("up", "--until-done")[0] == 0
    assert set(deployment.ended().values()) == {1}


def test_a_killed_up_leaves_its_processes_and_the_next_one_adopts_them(deploy: Deploy) -> None:
    deployment = deploy(days=4, seconds=0.1)
    first = deployment.start("up")
    wait_until(lambda: len(deployment.ended()) >= 5)
    who = deployment.identity("worker.1")
    first.kill()
    first.wait()
    before = len(deployment.ended())
    wait_until(lambda: len(deployment.ended()) > before + 5, what="work to go on without a supervisor")
    second = deployment.start("up", "--until-done")
    wait_until(lambda: "adopted worker.1" in (deployment.var / "log" / "supervisor.log").read_text())
    assert deployment.identity("worker.1") == who
    second.communicate(timeout=60)
    assert second.returncode == 0
    assert set(deployment.ended().values()) == {1}
    assert deployment.leftovers() == []


def test_a_second_up_over_the_same_folder_is_refused(deployment: Deployment) -> None:
    first = deployment.start("up")
    wait_until(lambda: deployment.identity("worker.1") is not None)
    code, out, err = deployment.call("up")
    assert (code, out) == (1, "")
    assert f"another `launch.py up` runs over {deployment.var} (pid {first.pid}): stop it first" in err


def test_what_needs_a_person_ends_with_1_and_says_what_to_press(deploy: Deploy) -> None:
    deployment = deploy(days=1, fields="max_attempts=1, on_failure='hold'")
    (deployment.folder / "broken").touch()
    code, out, _ = deployment.call("up", "--until-done")
    assert code == 1
    assert "a_hourly: 24 held" in out
    assert "launch.py job release PROCESS PERIOD --why TEXT" in out
    assert "RuntimeError: the source is broken" in deployment.call("job", "why", "a_hourly", "2024010100")[1]


def test_a_command_is_answered_while_the_system_runs(deployment: Deployment) -> None:
    deployment.start("up")
    wait_until(lambda: len(deployment.ended()) == 50, within_s=30)
    code, out, _ = deployment.call("job", "reprocess", "a_hourly", "2024010105", "--why", "late data")
    assert (code, out.splitlines()) == (0, ["stored as command 1", "done: 2 jobs to start anew"])
    wait_until(lambda: sum(deployment.ended().values()) == 52)
    assert "leads" not in deployment.call("status")[2]


def test_the_contexts_report_gets_the_facts(deployment: Deployment) -> None:
    deployment.call("up", "--until-done")
    code, out, _ = deployment.call("report", "--json")
    facts = json.loads(out)
    assert (code, facts["jobs"], facts["uows"]) == (0, 50, 50)
    assert facts["seconds"] > 0


def test_what_a_job_printed_can_be_read(deployment: Deployment) -> None:
    jobs = deployment.folder / "jobs.py"
    jobs.write_text(jobs.read_text().replace("return 24", "print('the day is', work.timeperiod); return 24"))
    deployment.call("up", "--until-done")
    assert "the day is 2024010200" in deployment.call("job", "log", "a_daily", "2024010200")[1]


@pytest.mark.parametrize("command", [("up",), ("status",), ("job", "why", "a_daily", "2024010100")])
def test_a_folder_that_can_not_be_written_is_one_message(deployment: Deployment, command: tuple[str, ...]) -> None:
    (deployment.folder / "file").touch()
    deployment.environ["HORARIUM_VAR"] = str(deployment.folder / "file" / "var")
    code, out, err = deployment.call(*command)
    assert (code, out) == (1, "")
    assert err.startswith(f"error: {deployment.folder}/file/var can't be written (not a directory): make it writable for this user")
    assert err.count("\n") == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_of_someone_else_is_one_message(deployment: Deployment) -> None:
    deployment.var.mkdir(mode=0o500)
    code, _, err = deployment.call("up")
    assert code == 1
    assert f"{deployment.var} can't be written (permission denied)" in err


def test_a_context_with_five_faults_lists_them_all(deployment: Deployment) -> None:
    context = deployment.folder / "context.py"
    context.write_text(
        context.read_text().replace('"jobs." + level', '"jobs.no_" + level').replace('["a_hourly", "a_daily"]', '["a_hourly", "b_daily"]')
        + "\nprocess_context[0] = process_context[0].__class__(**{**{f: getattr(process_context[0], f) for f in "
        "process_context[0].__dataclass_fields__}, 'time_grouping': 99, 'on_failure': 'shrug'})\n"
    )
    code, out, err = deployment.call("up")
    assert (code, out) == (1, "")
    assert err.count("\n  - ") >= 5
    assert "Traceback" not in err


def test_a_changed_start_of_a_registered_process_is_refused(deployment: Deployment) -> None:
    deployment.call("up", "--until-done")
    context = deployment.folder / "context.py"
    context.write_text(context.read_text().replace('start="2024010100"', 'start="2023010100"'))
    code, _, err = deployment.call("up")
    assert code == 1
    assert "the context changes the timetable of registered processes" in err


def test_a_reader_who_goes_away_is_no_error_to_shout_about(deployment: Deployment) -> None:
    process = deployment.start("list", "--json")
    assert process.stdout is not None
    process.stdout.close()
    process.wait(10)
    assert process.stderr is not None
    assert process.stderr.read() == ""


def test_a_reader_of_up_who_goes_away_does_not_end_the_work(deployment: Deployment) -> None:
    up = deployment.start("up", "--until-done")
    assert up.stdout is not None
    up.stdout.close()
    assert up.wait(40) == 0
    assert len(deployment.ended()) == 50


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (
            [],
            "usage: process_starter.py NAME [--console], NAME being one of scheduler, worker, mx, supervisor, or a daemon of the context\n",
        ),
        (["nobody"], "error: there is no process 'nobody': NAME is one of scheduler, worker, mx, supervisor (or such as worker.2)\n"),
    ],
)
def test_the_starter_of_processes_says_how_it_is_used(deployment: Deployment, argv: list[str], says: str) -> None:
    call = [sys.executable, str(ROOT / "process_starter.py"), *argv]
    done = subprocess.run(call, capture_output=True, text=True, check=False, env=deployment.environ)
    assert (done.returncode, done.stderr) == (2, says)
