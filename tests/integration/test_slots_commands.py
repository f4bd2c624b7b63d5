"""What does a guardian make of a command? With real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from settings import CHILD_MARKS, PREFIX
from tests.support.slot_bench import Bench, is_alive, parent_of, task, wait_until
from tests.support.sources import ROOT
from workers.slots import Ending


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path, end_grace_s=0.5, output_limit_bytes=10_000) as bench:
        yield bench


def sh(script: str) -> tuple[str, ...]:
    """Return the argument list of a small shell script."""
    return ("sh", "-c", script)


@pytest.mark.parametrize(
    ("script", "ending", "reason"),
    [
        ("exit 0", Ending.DONE, ""),
        ("exit 75", Ending.EMPTY, ""),
        ("exit 1", Ending.FAILED, "exit code 1"),
        ("exit 143", Ending.FAILED, "exit code 143"),
        ("kill -SEGV $$", Ending.FAILED, "killed by SIGSEGV"),
        ("kill -KILL $$", Ending.FAILED, "killed by SIGKILL"),
    ],
)
def test_fault_20_only_exit_code_0_is_a_success(bench: Bench, script: str, ending: Ending, reason: str) -> None:
    ended = bench.run_one(task(argv=sh(script), noop_exit_code=75))
    assert (ended.ending, ended.reason) == (ending, reason)


def test_a_missing_program_is_a_failure_that_names_it(bench: Bench) -> None:
    ended = bench.run_one(task(argv=("no-such-program",)))
    assert (ended.ending, ended.reason) == (Ending.FAILED, "can't start 'no-such-program': No such file or directory")


def test_a_file_that_is_no_program_is_a_failure(bench: Bench) -> None:
    assert bench.run_one(task(argv=("./jobs.py",))).reason == "can't start './jobs.py': Permission denied"


def test_periods_are_filled_in_and_other_braces_are_left_alone(bench: Bench) -> None:
    words = ("{timeperiod}", "{start_timeperiod}..{end_timeperiod}", "{start}", "{end}", "{x}", "{}", "{{start}}", "$HOME", "a b")
    bench.run_one(task(argv=("printf", "%s\n", *words)))
    start, end = "2013-01-01T05:00:00+00:00", "2013-01-01T06:00:00+00:00"
    assert bench.text().splitlines() == ["2013010105", "2013010105..2013010106", start, end, "{x}", "{}", f"{{{start}}}", "$HOME", "a b"]


def test_a_command_finds_its_task_in_its_environment(bench: Bench) -> None:
    one = task(argv=("env",), fence=2, attempt=3, arguments={"carrier": "UA"})
    bench.run_one(one)
    found = dict(line.split("=", 1) for line in bench.text().splitlines() if line.startswith("HORARIUM_"))
    assert {name: found[f"HORARIUM_{name}"] for name in ("UOW", "FENCE", "PROCESS", "TIMEPERIOD", "START", "ATTEMPT", "ARGUMENTS")} == {
        "UOW": one.uow_id, "FENCE": "2", "PROCESS": "flights_hourly", "TIMEPERIOD": "2013010105",
        "START": "2013-01-01T05:00:00+00:00", "ATTEMPT": "3", "ARGUMENTS": '{"carrier": "UA"}',
    }  # fmt: skip


def test_what_a_command_finds_is_never_taken_for_a_setting(bench: Bench) -> None:
    bench.run_one(task(argv=("env",), arguments={"a": 1}))
    found = dict(line.split("=", 1) for line in bench.text().splitlines() if "=" in line)
    assert {name for name in found if name.startswith(PREFIX)} - CHILD_MARKS <= {name for name in os.environ if name.startswith(PREFIX)}
    assert found["HORARIUM_QUALIFIER"] == "_hourly"


def test_a_command_runs_in_the_users_folder_without_input(bench: Bench) -> None:
    bench.run_one(task(argv=sh("pwd; wc -c")))
    assert bench.text().split() == [str(bench.user.resolve()), "0"]


def test_what_a_command_prints_comes_in_its_order(bench: Bench) -> None:
    bench.run_one(task(argv=sh("echo one; echo two >&2; echo three")))
    assert bench.text() == "one\ntwo\nthree\n"


def test_a_command_that_prints_without_end_stays_bounded(bench: Bench) -> None:
    one = task(argv=sh("yes 0123456789 | head -c 30000000; echo the end"))
    assert bench.run_one(one).ending is Ending.DONE
    file = next(bench.out.glob("flights_hourly/*/*.log"))
    assert file.stat().st_size <= 10_100
    assert len(bench.text()) <= 15_100
    assert "bytes cut ...]" in bench.text()
    assert bench.text().endswith("the end\n")


def test_a_command_is_asked_first_and_its_whole_group_with_it(tmp_path: Path) -> None:
    script = f"(trap 'echo child >> {tmp_path}/asked; exit' TERM; echo $$ > {tmp_path}/runs; while :; do sleep 0.05; done) & "
    one = task(argv=sh(f"trap 'echo parent >> {tmp_path}/asked; wait; exit 0' TERM; {script} wait; wait"))
    with Bench(tmp_path, end_grace_s=20.0) as bench:
        bench.start_waiting(one, tmp_path / "runs")
        bench.slots.end(one.uow_id, one.fence, "canceled")
        ended = bench.collect(1)[0]
    assert (ended.ending, ended.reason) == (Ending.ENDED, "canceled")
    assert sorted((tmp_path / "asked").read_text().split()) == ["child", "parent"]


def test_a_command_that_does_not_listen_is_killed_with_all_that_it_started(bench: Bench, tmp_path: Path) -> None:
    script = f"trap '' TERM; setsid sh -c 'setsid sleep 1000 & sleep 1000' & echo $$ > {tmp_path}/runs; while :; do sleep 1; done"
    one = task(argv=sh(script))
    pid = bench.start_waiting(one, tmp_path / "runs")
    bench.slots.end(one.uow_id, one.fence, "canceled")
    assert bench.collect(1)[0].ending is Ending.ENDED
    assert not is_alive(pid)
    assert len(bench.slot_pids()) <= 1


def test_a_command_that_is_ended_right_after_its_start_ends_and_its_place_is_free(bench: Bench) -> None:
    for _ in range(3):
        one = task(argv=("sleep", "1000"))
        bench.slots.start(one)
        bench.slots.end(one.uow_id, one.fence, "canceled by ann")
        ended = bench.collect(1)[0]
        assert (ended.uow_id, ended.ending in {Ending.ENDED, Ending.NOT_STARTED}) == (one.uow_id, True)
    assert bench.run_one(task(argv=("true",))).ending is Ending.DONE


ASKED_EARLY = """
import json, os, signal, socket, subprocess, sys
from system.clock import RealClock
from workers import guardian
from workers.slot import Place
near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
if os.fork() == 0:
    near.close()
    real, moment = subprocess.Popen, sys.argv[2]
    def popen(*words, **named):
        if moment == "while it starts":
            os.kill(os.getpid(), signal.SIGTERM)
        return real(*words, **named)
    subprocess.Popen = popen
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    if moment == "before it reads":
        os.kill(os.getpid(), signal.SIGTERM)
    guardian.run_guardian(far, Place(sys.argv[1], "", 10_000, 20.0), RealClock().monotonic)
names = "process timeperiod qualifier start_timeperiod end_timeperiod start end attempt uow_id fence".split()
task = dict.fromkeys(names, "x") | {"number": 1, "argv": ["sleep", "1000"], "arguments": {}, "noop_exit_code": None, "output": "none"}
near.send(json.dumps(task).encode())
print(near.recv(10_000).decode())
os.wait()
"""


@pytest.mark.parametrize(("moment", "ending"), [("before it reads", "never started"), ("while it starts", "failed")])
def test_a_guardian_remembers_that_it_was_asked_before_there_was_a_command(tmp_path: Path, moment: str, ending: str) -> None:
    argv = [sys.executable, "-c", ASKED_EARLY, str(tmp_path), moment]
    found = subprocess.run(argv, cwd=ROOT, stdout=subprocess.PIPE, timeout=15, check=True)
    number, said, _, _, was_asked, *_ = json.loads(found.stdout)
    assert (number, said, was_asked) == (1, ending, True)


def test_a_command_that_takes_too_long_has_timed_out(bench: Bench) -> None:
    ended = bench.run_one(task(argv=("sleep", "1000"), timeout_s=0.2))
    assert (ended.ending, ended.reason) == (Ending.FAILED, "timed out after 0.2 s")


def test_what_a_command_leaves_behind_ends_before_its_end_is_told(bench: Bench) -> None:
    assert bench.run_one(task(argv=sh("setsid sleep 1000 & sleep 1000 & exit 0"))).ending is Ending.DONE
    assert len(bench.slot_pids()) <= 1


def test_a_killed_guardian_takes_its_command_with_it(bench: Bench, tmp_path: Path) -> None:
    one = task(argv=sh(f"setsid sleep 1000 & echo $$ > {tmp_path}/runs; sleep 1000; sleep 1000"))
    pid = bench.start_waiting(one, tmp_path / "runs")
    os.kill(parent_of(pid), signal.SIGKILL)
    ended = bench.collect(1)[0]
    assert (ended.ending, ended.reason) == (Ending.FAILED, "killed by SIGKILL")
    assert len(bench.slot_pids()) <= 1


def test_functions_and_commands_take_turns_in_one_slot(bench: Bench) -> None:
    ended = bench.run(task("noop"), task(argv=("true",)), task("noop"), task(argv=("false",)), task("noop"))
    assert [one.ending.name for one in ended] == ["DONE", "DONE", "DONE", "FAILED", "DONE"]


def test_a_running_command_fills_its_place(bench: Bench, tmp_path: Path) -> None:
    one = task(argv=sh(f"echo $$ > {tmp_path}/runs; sleep 1000"))
    bench.start_waiting(one, tmp_path / "runs")
    assert bench.slots.room() == 0
    wait_until(lambda: len(bench.slot_pids()) == 4)  # the idle slot, guardian, shell, sleep
