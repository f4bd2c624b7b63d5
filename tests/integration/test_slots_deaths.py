"""What becomes of attempts when slots, their host or the worker die, are stopped, or are told to end? With real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.slot_bench import Bench, is_alive, marked, parent_of, task, wait_until
from workers.slots import Ending

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path, end_grace_s=20.0, moment_s=30.0) as bench:
        yield bench


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[Bench]:
    """Slots that kill soon after they asked."""
    with Bench(tmp_path, end_grace_s=0.3, moment_s=30.0) as bench:
        yield bench


def learn(bench: Bench) -> None:
    """Let the bench know tasks as short, so that several may wait in a slot."""
    for _ in range(3):
        bench.run_one(task("noop"))


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("3", "exit code 3"),
        ("0", "exit code 0 in the middle: it ended the slot's process"),
        ("segfault", "killed by SIGSEGV"),
        (f"signal {int(signal.SIGKILL)}", "killed by SIGKILL"),
    ],
)
def test_a_job_that_ends_its_process_has_failed_and_what_it_printed_is_kept(bench: Bench, how: str, reason: str) -> None:
    dying = task("die", arguments={"how": how})
    ended = bench.run_one(dying)
    assert (ended.ending, ended.reason) == (Ending.FAILED, reason)
    assert bench.text(dying.uow_id).startswith("last words\n")
    assert bench.run_one(task("noop")).ending is Ending.DONE


def test_a_slot_killed_in_the_middle_fails_its_task_and_gives_back_those_behind(bench: Bench, tmp_path: Path) -> None:
    learn(bench)
    pid = bench.start_waiting(task("wait_stubbornly", arguments={"file": str(tmp_path / "runs")}), tmp_path / "runs")
    bench.slots.start(task("noop"))
    bench.slots.start(task("noop"))
    os.kill(pid, signal.SIGKILL)
    assert [ended.ending for ended in bench.collect(3)] == [Ending.FAILED, Ending.NOT_STARTED, Ending.NOT_STARTED]
    after = bench.run_one(task("pid"))
    assert after.ending is Ending.DONE
    assert after.rows != pid


def test_a_slot_killed_between_tasks_costs_nothing(bench: Bench) -> None:
    pid = bench.run_one(task("pid")).rows or 0
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(pid))
    bench.look()
    assert bench.run_one(task("pid")).ending is Ending.DONE


def test_a_job_that_sees_its_time_limit_has_timed_out_all_the_same(bench: Bench) -> None:
    waiting = task("wait", timeout_s=0.3)
    ended = bench.run_one(waiting)
    assert (ended.ending, ended.reason) == (Ending.FAILED, "timed out after 0.3 s")
    assert bench.text(waiting.uow_id) == "saw that it is canceled\n"


def test_a_job_that_ignores_its_time_limit_is_killed_with_its_family(impatient: Bench) -> None:
    ended = impatient.run_one(task("wait_with_family", timeout_s=0.3))
    assert (ended.ending, ended.reason) == (Ending.FAILED, "timed out after 0.3 s")
    assert len(impatient.slot_pids()) <= 1


def test_a_time_limit_counts_from_the_start_and_not_from_the_wait_before(bench: Bench, tmp_path: Path) -> None:
    learn(bench)
    first = task("wait", arguments={"file": str(tmp_path / "runs")}, timeout_s=0.4)
    bench.start_waiting(first, tmp_path / "runs")
    assert [ended.ending for ended in bench.run(task("noop", timeout_s=0.001))] == [Ending.NOT_STARTED]
    assert bench.collect(1)[0].reason == "timed out after 0.4 s"


def test_an_attempt_is_ended_with_the_reason_that_was_given(impatient: Bench, tmp_path: Path) -> None:
    waiting = task("wait_with_family", arguments={"file": str(tmp_path / "runs")})
    pid = impatient.start_waiting(waiting, tmp_path / "runs")
    impatient.slots.end(waiting.uow_id, waiting.fence, "canceled by ann")
    ended = impatient.collect(1)[0]
    assert (ended.ending, ended.reason) == (Ending.ENDED, "canceled by ann")
    assert not is_alive(pid)
    assert len(impatient.slot_pids()) <= 1


def test_ending_one_attempt_gives_back_those_behind_it(bench: Bench, tmp_path: Path) -> None:
    learn(bench)
    waiting = task("wait", arguments={"file": str(tmp_path / "runs")})
    bench.start_waiting(waiting, tmp_path / "runs")
    bench.slots.start(task("noop"))
    bench.slots.end(waiting.uow_id, waiting.fence, "canceled")
    assert sorted(ended.ending.name for ended in bench.collect(2)) == ["ENDED", "NOT_STARTED"]


def test_an_attempt_that_waits_is_ended_without_touching_the_one_before_it(bench: Bench, tmp_path: Path) -> None:
    learn(bench)
    waiting, behind = task("wait", arguments={"file": str(tmp_path / "runs")}), task("noop")
    pid = bench.start_waiting(waiting, tmp_path / "runs")
    bench.slots.start(behind)
    bench.slots.end(behind.uow_id, behind.fence, "canceled")
    assert [(ended.uow_id, ended.ending) for ended in bench.collect(1)] == [(behind.uow_id, Ending.ENDED)]
    assert is_alive(pid)


def test_only_the_named_fence_is_ended_and_what_has_ended_stays_as_it_was(bench: Bench) -> None:
    done = task("noop")
    bench.run_one(done)
    bench.slots.end(done.uow_id, done.fence, "too late")
    bench.slots.end("never/heard/of/it", 1, "who")
    assert bench.run_one(task("noop")).ending is Ending.DONE


def test_end_all_returns_when_nothing_is_left(tmp_path: Path) -> None:
    with Bench(tmp_path, size=2) as bench:
        for number in range(2):
            bench.start_waiting(task("wait_with_family", arguments={"file": f"{tmp_path}/{number}"}), tmp_path / str(number))
        bench.slots.end_all("the session is gone")
        assert bench.slot_pids() == []
        assert [(ended.ending, ended.reason) for ended in bench.slots.ended()] == [(Ending.ENDED, "the session is gone")] * 2
        assert bench.run_one(task("noop")).ending is Ending.DONE


def test_end_all_does_not_wait_for_a_host_that_hangs(bench: Bench, tmp_path: Path) -> None:
    bench.start_waiting(task("wait_with_family", arguments={"file": f"{tmp_path}/runs"}), tmp_path / "runs")
    before = marked(bench.mark)
    os.kill(bench.host_pid(), signal.SIGSTOP)
    bench.slots.end_all("the session is gone")
    assert [pid for pid in before if is_alive(pid)] == []
    assert [ended.ending for ended in bench.slots.ended()] == [Ending.ENDED]
    assert bench.run_one(task("noop")).ending is Ending.DONE


def test_the_hosts_death_ends_all_and_another_host_goes_on(bench: Bench, tmp_path: Path) -> None:
    bench.start_waiting(task("wait_with_family", arguments={"file": f"{tmp_path}/runs"}), tmp_path / "runs")
    before = marked(bench.mark)
    os.kill(bench.host_pid(), signal.SIGKILL)
    ended = bench.collect(1)[0]
    assert (ended.ending, ended.reason) == (Ending.FAILED, "the process that hosts the slots died")
    assert [pid for pid in before if is_alive(pid)] == []
    assert bench.run_one(task("noop")).ending is Ending.DONE


def test_slots_that_are_not_extended_end_by_themselves_and_stay_shut(bench: Bench, tmp_path: Path) -> None:
    bench.start_waiting(task("wait_with_family", arguments={"file": f"{tmp_path}/runs"}), tmp_path / "runs")
    bench.extend(0.2)
    wait_until(lambda: bench.slot_pids() == [])
    assert [ended.ending for ended in bench.collect(1)] == [Ending.ENDED]
    assert bench.slots.room() == 0
    assert bench.run_one(task("noop")).ending is Ending.NOT_STARTED
    bench.extend(1000.0)
    assert bench.run_one(task("noop")).ending is Ending.DONE


def test_extending_puts_the_end_off(bench: Bench, tmp_path: Path) -> None:
    pid = bench.start_waiting(task("wait", arguments={"file": f"{tmp_path}/runs"}), tmp_path / "runs")
    bench.extend(0.1)
    bench.extend(1000.0)
    bench.clock.sleep(0.3)
    assert is_alive(pid)


@pytest.fixture
def worker(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[bytes]]:
    """A worker's process whose slot and command run; its slots live for the seconds that the test asks for."""
    life_s = getattr(request, "param", 1000.0)
    with subprocess.Popen([sys.executable, "-m", "tests.support.slot_worker", str(tmp_path), str(life_s)], cwd=ROOT) as process:
        wait_until(lambda: (tmp_path / "function").exists() and (tmp_path / "command").exists(), "the worker's jobs to run")
        yield process
        process.kill()


def of_worker(folder: Path) -> list[int]:
    """Return the pids that carry the worker's mark."""
    return marked((folder / "mark").read_text())


def test_a_killed_worker_leaves_nothing(worker: subprocess.Popen[bytes], tmp_path: Path) -> None:
    assert len(of_worker(tmp_path)) >= 7
    worker.kill()
    wait_until(lambda: of_worker(tmp_path) == [], "all that the worker had started to end")
    assert worker.wait() == -signal.SIGKILL


@pytest.mark.parametrize("worker", [3.0], indirect=True)
def test_a_stopped_worker_loses_its_slots_in_time(worker: subprocess.Popen[bytes], tmp_path: Path) -> None:
    worker.send_signal(signal.SIGSTOP)
    wait_until(lambda: [pid for pid in of_worker(tmp_path) if parent_of(pid) != worker.pid] == [], "the slots to end")
    assert is_alive(worker.pid)
    worker.send_signal(signal.SIGCONT)
    wait_until((tmp_path / "ended").exists)
    wait_until(lambda: (tmp_path / "ended").read_text().count("ENDED") == 2)


def test_the_hosts_death_alone_leaves_no_slot_and_no_command(worker: subprocess.Popen[bytes], tmp_path: Path) -> None:
    before = of_worker(tmp_path)
    worker.send_signal(signal.SIGSTOP)
    host = next(pid for pid in before if parent_of(pid) == worker.pid)
    os.kill(host, signal.SIGKILL)
    slot = int((tmp_path / "function").read_text())
    wait_until(lambda: not is_alive(slot), "the slot to die with its host")
    worker.send_signal(signal.SIGCONT)
    wait_until(lambda: not any(is_alive(pid) for pid in before), "the rest to be ended by the worker")


def left_by(folder: Path, uow: str, fence: int) -> subprocess.Popen[bytes]:
    """Return a program that an attempt seems to have left running."""
    marks = {"HORARIUM_UOW": uow, "HORARIUM_FENCE": str(fence), "_HORARIUM_OUTPUT": str(folder)}
    return subprocess.Popen(["sleep", "1000"], env={**os.environ, **marks})


def test_an_attempt_starts_after_what_an_older_one_left_here_has_ended(bench: Bench) -> None:
    uow, elsewhere = "flights_hourly/2013010105/1/1", bench.out.parent
    older = left_by(bench.out, uow, 1)
    others = [left_by(bench.out, uow, 2), left_by(bench.out, uow + "0", 1), left_by(elsewhere, uow, 1)]
    bench.run_one(task("noop", uow=uow, fence=2, attempt=2))
    found = [process.poll() for process in (older, *others)]
    for process in others:
        process.kill()
        process.wait()
    assert found == [-signal.SIGKILL, None, None, None]
