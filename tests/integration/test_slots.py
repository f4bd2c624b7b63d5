"""What does a slot make of a user's function? With real processes."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from system.errors import SlotError
from tests.support.slot_bench import Bench, is_alive, marked, task, wait_until
from workers.lane import MOST_QUEUED
from workers.slots import Ending


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as bench:
        yield bench


_REFUSED = "TypeError: a job returns work.done(rows), work.no_data(), a number of rows, or None; this one returned"


@pytest.mark.parametrize(
    ("what", "ending", "rows", "reason"),
    [
        ("rows", Ending.DONE, 5, ""),
        ("done", Ending.DONE, 6, ""),
        ("done without rows", Ending.DONE, None, ""),
        ("no data", Ending.EMPTY, None, "nothing came"),
        ("index", Ending.DONE, 7, ""),
        ("bool", Ending.FAILED, None, f"{_REFUSED} bool: True"),
        ("text", Ending.FAILED, None, f"{_REFUSED} str: 'ok'"),
        ("negative", Ending.FAILED, None, "ValueError: a number of rows can't be negative; the job returned -1"),
    ],
)  # fmt: skip
def test_what_a_function_returns_is_its_outcome(bench: Bench, what: str, ending: Ending, rows: int | None, reason: str) -> None:
    ended = bench.run_one(task("give", arguments={"what": what}))
    assert (ended.ending, ended.rows, ended.reason) == (ending, rows, reason)


@pytest.mark.parametrize(
    ("how", "ending", "reason"),
    [
        ("error", Ending.FAILED, "ValueError: a bad value"),
        ("exit", Ending.DONE, ""),
        ("exit 0", Ending.DONE, ""),
        ("exit 3", Ending.FAILED, "exit code 3"),
        ("exit text", Ending.FAILED, "no disk"),
        ("interrupt", Ending.FAILED, "KeyboardInterrupt"),
    ],
)
def test_what_a_function_raises_is_its_failure(bench: Bench, how: str, ending: Ending, reason: str) -> None:
    ended = bench.run_one(task("leave", arguments={"how": how}))
    assert (ended.ending, ended.reason) == (ending, reason)


def test_the_traceback_of_a_failure_is_in_its_output_from_the_users_first_frame_on(bench: Bench) -> None:
    failing = task("leave", arguments={"how": "error"})
    bench.run_one(failing)
    text = bench.text(failing.uow_id)
    assert text.startswith("Traceback (most recent call last):")
    assert "jobs.py" in text
    assert "workers/slot.py" not in text


def test_a_function_that_returns_nothing_is_done(bench: Bench) -> None:
    assert bench.run_one(task("noop")).ending is Ending.DONE


def test_methods_of_classes_are_jobs_too(bench: Bench) -> None:
    assert [bench.run_one(task(name)).rows for name in ("Flights.load", "Flights.count")] == [10, 1]


@pytest.mark.parametrize(("classname", "named"), [("nothing_of_this_name", "nothing_of_this_name"), ("Flights.sell", "sell")])
def test_a_function_that_is_not_there_fails_and_says_its_name(bench: Bench, classname: str, named: str) -> None:
    ended = bench.run_one(task(classname))
    assert ended.ending is Ending.FAILED
    assert named in ended.reason


def test_a_module_that_is_not_there_fails_and_says_its_name(bench: Bench) -> None:
    (bench.user / "jobs.py").unlink()
    assert "no module for 'jobs.noop'" in bench.run_one(task("noop")).reason


def test_an_import_that_fails_inside_the_users_module_is_told_as_such(bench: Bench) -> None:
    (bench.user / "jobs.py").write_text("import a_missing_library\n")
    assert bench.run_one(task("noop")).reason == "ModuleNotFoundError: No module named 'a_missing_library'"


def test_a_job_sees_its_period_and_window(bench: Bench) -> None:
    one = task("facts", fence=3, attempt=2)
    bench.run_one(one)
    assert bench.text() == (
        f"flights_hourly 2013010105 2013010105 2013010106 3 2 {one.uow_id} False\n"
        "2013-01-01T05:00:00+00:00 2013-01-01T06:00:00+00:00 1:00:00\n"
    )


def test_a_job_has_the_users_folder_and_no_module_of_ours(bench: Bench) -> None:
    one = task("surroundings", fence=2)
    bench.run_one(one)
    user, root = bench.user.resolve(), Path(__file__).resolve().parent.parent.parent
    assert bench.text().splitlines() == [
        "ours: []", f"path: {user} {root}", f"cwd: {user}", "stdin: ''", "leads its session: True", f"marks: {one.uow_id} 2",
    ]  # fmt: skip


def test_packages_of_the_user_may_have_names_of_ours(bench: Bench) -> None:
    for name in ("system", "workers"):
        (bench.user / name).mkdir()
        (bench.user / name / "__init__.py").write_text("NUMBER = 21\n")
    assert bench.run_one(task("own_packages")).rows == 42


def test_fault_12_arguments_are_read_only_and_of_one_attempt_alone(bench: Bench) -> None:
    arguments = {"inner": {"b": 1}, "items": [1, 2]}
    reasons = [bench.run_one(task("spoil_arguments", arguments=arguments)).reason for _ in range(2)]
    assert all("'refused refused refused'" in reason for reason in reasons)
    assert arguments == {"inner": {"b": 1}, "items": [1, 2]}


def test_long_arguments_arrive_whole(bench: Bench) -> None:
    bench.run_one(task("say", arguments={"text": "x" * 200_000}))
    assert bench.text() == "x" * 200_000 + "\n"
    assert list((bench.out / ".slots").glob("*.json")) == []


def test_arguments_that_are_not_plain_data_are_a_failure_that_says_so(bench: Bench) -> None:
    ended = bench.run_one(task("noop", arguments={"when": object()}))
    assert ended.ending is Ending.FAILED
    assert "object is not plain data" in ended.reason


def test_fault_1_a_slot_lives_on_for_the_next_task_instead_of_one_process_each(bench: Bench) -> None:
    assert len({bench.run_one(task("pid")).rows for _ in range(5)}) == 1


def test_a_slot_is_replaced_after_its_number_of_tasks(tmp_path: Path) -> None:
    with Bench(tmp_path, uows_per_slot=3) as bench:
        pids = [ended.rows for ended in bench.run(*(task("pid") for _ in range(9)))]
        assert sorted(Counter(pids).values()) == [3, 3, 3]


@pytest.mark.parametrize("what", ["thread", "child", "dead child", "folder", "environment", "stdout", "daemon"])
def test_what_a_task_leaves_behind_ends_with_its_slot_and_its_result_stands(bench: Bench, what: str) -> None:
    leaky = bench.run_one(task("leak", arguments={"what": what}))
    assert leaky.ending is Ending.DONE
    assert leaky.rows is not None
    assert not is_alive(leaky.rows)
    assert len(marked(bench.mark)) <= 2  # the forkserver, and a new slot
    assert bench.run_one(task("pid")).rows != leaky.rows


def test_what_an_import_sets_up_is_no_leak(bench: Bench) -> None:
    (bench.user / "jobs.py").write_text("import os\nos.environ['TZ'] = 'UTC'\ndef pid(work): return os.getpid()\n")
    assert bench.run_one(task("pid")).rows == bench.run_one(task("pid")).rows


def test_a_forked_child_that_comes_back_from_the_function_is_not_taken_for_the_slot(bench: Bench) -> None:
    assert bench.run(task("forked_child_returns"), task("noop")) == bench.ended
    assert [ended.ending for ended in bench.ended] == [Ending.DONE, Ending.DONE]


def test_3000_tasks_through_two_slots_end_once_each(tmp_path: Path) -> None:
    with Bench(tmp_path, size=2) as bench:
        tasks = [task("noop") for _ in range(3000)]
        waiting = list(tasks)
        while len(bench.ended) < 3000:
            for _ in range(min(bench.slots.room(), len(waiting))):
                bench.slots.start(waiting.pop())
            bench.collect(1)
        assert Counter(ended.uow_id for ended in bench.ended) == Counter(one.uow_id for one in tasks)
        assert {ended.ending for ended in bench.ended} == {Ending.DONE}


def test_there_is_room_for_one_unknown_task_per_slot_and_for_many_short_ones(tmp_path: Path) -> None:
    with Bench(tmp_path, size=2) as bench:
        before = bench.slots.room()
        for _ in range(40):
            bench.run_one(task("noop"))
        after = bench.slots.room()
        assert before == 2
        assert 10 <= after <= 2 * MOST_QUEUED


def test_slots_tell_for_how_long_they_are_busy(tmp_path: Path) -> None:
    with Bench(tmp_path, size=1) as bench:
        assert bench.slots.busy_s() == 0.0
        file = tmp_path / "runs"
        bench.start_waiting(task("wait", arguments={"file": str(file)}), file)
        # Nobody knows how long it takes: as long again as it took so far.
        wait_until(lambda: bench.slots.busy_s() > 0.1, "it to have run for a while")


def test_a_slot_with_a_short_task_is_busy_for_a_moment_only(tmp_path: Path) -> None:
    with Bench(tmp_path, size=1) as bench:
        for _ in range(40):
            bench.run_one(task("noop"))
        assert bench.slots.busy_s() == 0.0
        for _ in range(bench.slots.room()):
            bench.slots.start(task("noop"))
        assert bench.slots.busy_s() < 0.1


def test_slots_tell_how_busy_they_will_be_with_what_is_about_to_start(tmp_path: Path) -> None:
    with Bench(tmp_path, size=2) as bench:
        name = task("noop").process
        assert bench.slots.busy_s(then=[name, name]) == 0.0  # nobody knows yet
        bench.run_one(task("noop"))
        assert [bench.slots.busy_s(then=[name] * count) > 0.0 for count in (0, 1, 2)] == [False, False, True]


def test_a_task_that_takes_longer_than_expected_does_not_hold_up_those_behind_it(tmp_path: Path) -> None:
    with Bench(tmp_path, size=2) as bench:
        for _ in range(40):
            bench.run_one(task("noop"))
        file = tmp_path / "runs"
        bench.slots.start(task("wait", arguments={"file": str(file)}))
        ended = bench.run(*(task("noop") for _ in range(6)))
        assert [one.ending for one in ended] == [Ending.DONE] * 6


def test_behind_a_long_task_in_the_only_slot_tasks_are_given_back(bench: Bench, tmp_path: Path) -> None:
    for _ in range(40):
        bench.run_one(task("noop"))
    file = tmp_path / "runs"
    bench.start_waiting(task("wait", arguments={"file": str(file)}), file)
    assert [one.ending for one in bench.run(task("noop"), task("noop"))] == [Ending.NOT_STARTED] * 2
    assert bench.slots.room() == 0


def test_nothing_starts_before_the_first_extend(tmp_path: Path) -> None:
    with Bench(tmp_path) as bench:
        bench.extend(-1.0)
        assert bench.slots.room() == 0
        assert bench.run_one(task("noop")).ending is Ending.NOT_STARTED
        # The host hears of its time later than we say it: a slot that it has yet to end would take the task, and end with it.
        wait_until(lambda: len(marked(bench.mark)) == 1, what="nothing but the forkserver to be left")
        bench.extend(1000.0)
        assert bench.run_one(task("noop")).ending is Ending.DONE


def test_closed_slots_leave_nothing_and_refuse(bench: Bench) -> None:
    bench.run_one(task("noop"))
    bench.slots.close()
    wait_until(lambda: not marked(bench.mark))
    assert list((bench.out / ".slots").iterdir()) == []
    with pytest.raises(SlotError, match="closed"):
        bench.slots.start(task("noop"))


def test_a_slot_that_dies_before_any_task_is_told_as_an_error(tmp_path: Path) -> None:
    with Bench(tmp_path) as bench:
        for file in [*bench.user.iterdir(), bench.user]:
            file.rmdir() if file.is_dir() else file.unlink()
        bench.extend(-1.0)  # ends the slot that was ready
        wait_until(lambda: not bench.slot_pids())
        bench.extend(1000.0)
        assert bench.run_one(task("noop")).ending is Ending.NOT_STARTED
        with pytest.raises(SlotError, match="no slot could begin: exit code 70"):
            bench.slots.start(task("noop"))


def test_the_python_of_the_slots_is_the_workers(bench: Bench) -> None:
    (bench.user / "jobs.py").write_text("import sys\ndef version(work): print(sys.executable)\n")
    bench.run_one(task("version"))
    assert bench.text().strip() == sys.executable


def test_backfill_never_takes_the_slot_that_is_kept_for_live_work(tmp_path: Path) -> None:
    with Bench(tmp_path, size=2, kept_for_live=1) as bench:
        for _ in range(40):
            bench.run_one(task("noop"))
        assert 0 < bench.slots.room(backfill=True) < bench.slots.room()
        for name in ("one", "two"):
            bench.slots.start(task("wait", arguments={"file": str(tmp_path / name)}, is_backfill=True))
        wait_until((tmp_path / "one").exists, "the first of them to run")
        wait_until(lambda: bench.slots.room(backfill=True) == 0, "backfill to have all that it may have")
        assert bench.run_one(task("noop")).ending is Ending.DONE
        assert not (tmp_path / "two").exists()
