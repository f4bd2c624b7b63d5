"""Does the demo come to the same figures while everything of it is killed with -9 again and again? Judged by marks and locks."""

from __future__ import annotations

import fcntl
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import Any

import pytest

from db.urls import open_store
from system import processes
from system.clock import RealClock
from system.processes import Identity
from tests.support.flights_judge import (
    Mark,
    expect,
    jobs_until,
    not_finished_once,
    out_of_order,
    overlaps,
    without_end,
)
from tests.support.flights_kills import Killer
from tests.support.flights_run import FIVE_DAYS, JANUARY, YEAR, FlightsRun, loaded_source, results
from tests.support.flights_work import Given, close_all
from tests.support.judged import watched
from tests.support.waiting import wait_until

_CLOCK = RealClock()
HELD = "flights_hourly"
TIMES, SLOTS = 5, 4

Start = Callable[..., FlightsRun]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file with the raw data."""
    return loaded_source(tmp_path_factory.mktemp("flights"))


@pytest.fixture
def deploy(source: Path, tmp_path: Path) -> Iterator[Start]:
    """Makes a run of the demo; everything of it ends with the test."""
    made: list[FlightsRun] = []

    def make(**given: Any) -> FlightsRun:
        made.append(FlightsRun(tmp_path / f"run-{len(made)}", source, **given))
        return made[-1]

    yield make
    for run in made:
        run.close()


def judge(run: FlightsRun, end: str, expected: Path) -> None:
    """Fail the test where the run did not come to what an undisturbed one comes to, or went there by a forbidden way."""
    marks = run.marks()
    assert run.leftovers() == []
    assert overlaps(marks) == []
    assert out_of_order(marks) == []
    assert without_end(marks, jobs_until(end)) == []
    assert run.sinks() == results(expected)
    with closing(open_store(f"sqlite:///{run.var / 'horarium.db'}")) as store:
        assert not_finished_once(store, jobs_until(end), run.written()) == []


def tell(run: FlightsRun, killer: Killer, seed: int) -> None:
    """Print the figures of a run, for who runs pytest with -s."""
    marks, toll = run.marks(), killer.toll
    said = Counter(mark.what for mark in marks)
    repeated = sum(1 for mark in marks if mark.what == "start" and mark.fence > 1)
    print(f"\nseed {seed}: {toll.seconds:.0f} s, {sum(toll.kills.values())} kills {dict(toll.kills)}, up started {toll.starts} times")  # noqa: T201
    print(f"  marks {dict(said)}, starts of a later attempt {repeated}, highest fence {max(mark.fence for mark in marks)}")  # noqa: T201


@pytest.mark.parametrize("seed", [1, 2])
def test_five_days_come_to_the_same_under_kills(deploy: Start, source: Path, tmp_path: Path, seed: int) -> None:
    run = deploy(end=FIVE_DAYS, pace_s=0.1)
    killer = Killer(run, seed, at_most=30)
    killer.run_to_the_end(within_s=240)
    tell(run, killer, seed)
    judge(run, FIVE_DAYS, expect(FIVE_DAYS, source, tmp_path))
    assert sum(killer.toll.kills.values()) > 5


@pytest.mark.long
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_january_comes_to_the_same_under_kills(deploy: Start, source: Path, tmp_path: Path, seed: int) -> None:
    run = deploy(end=JANUARY, pace_s=0.15)
    killer = Killer(run, seed)
    killer.run_to_the_end(within_s=900)
    tell(run, killer, seed)
    judge(run, JANUARY, expect(JANUARY, source, tmp_path))
    assert set(killer.toll.kills) == {"scheduler", "worker", "forkserver", "slot", "supervisor"}


@pytest.mark.long
@pytest.mark.parametrize("seed", [21, 22, 23])
def test_the_year_comes_to_the_same_under_kills(deploy: Start, source: Path, tmp_path: Path, seed: int) -> None:
    run = deploy(end=YEAR)
    killer = Killer(run, seed)
    killer.run_to_the_end(within_s=1800)
    tell(run, killer, seed)
    judge(run, YEAR, expect(YEAR, source, tmp_path))
    assert set(killer.toll.kills) == {"scheduler", "worker", "forkserver", "slot", "supervisor"}


def test_the_lock_tells_of_a_second_attempt(deploy: Start) -> None:
    run = deploy()
    given = Given("flights_hourly", "2013010105", run.var, marks=str(run.marks_folder))
    given.arguments = MappingProxyType({**given.arguments, "pace_s": 0.0, "hold_s": 0.0})
    with (run.marks_folder / "locks" / "flights_hourly-2013010105").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        watched.flights_hourly(given)
    watched.flights_hourly(given)
    close_all(run.var)
    assert [mark.what for mark in run.marks()] == ["overlap", "start", "end", "start", "end"]
    assert overlaps(run.marks())[0] == "('flights_hourly', '2013010105') fence 1"


def owner(run: FlightsRun, pid: int) -> Identity:
    """Return the worker whose slot has `pid`."""
    workers = [worker for name in ("worker.1", "worker.2") if (worker := run.member(name))]
    return next(worker for worker in workers if pid in {child.pid for child in processes.children(worker, recursive=True)})


def held(run: FlightsRun) -> list[Mark]:
    """Return the first attempts that were told to hold on."""
    return [mark for mark in run.marks() if mark.what == "holding"]


def kill_who_holds(run: FlightsRun, turn: int) -> float:
    """Kill the worker that has the next held job; returns the seconds until the job's next attempt started.

    The other worker is up again after the kill before: not the start of a worker is measured, but how soon a loss is seen and answered.
    """
    wait_until(lambda: len(held(run)) > turn and len(run.slots()) >= SLOTS, within_s=60, what=f"job {turn} to hold")
    mark = held(run)[turn]
    victim = owner(run, mark.pid)
    at_s = _CLOCK.monotonic()
    assert processes.end(victim)

    def next_starts() -> list[float]:
        return [m.at_s for m in run.marks() if m.what == "start" and m.job == mark.job and m.fence > mark.fence]

    wait_until(lambda: bool(next_starts()), within_s=60, what=f"{mark.job} to run again")
    return next_starts()[0] - at_s


def test_what_a_killed_worker_held_starts_again_within_two_seconds(deploy: Start) -> None:
    run = deploy(end=FIVE_DAYS, hold_s=30.0, hold_at_once=1)
    run.start()
    waits_s = [kill_who_holds(run, turn) for turn in range(TIMES)]
    print(f"\nseconds from the kill to the next attempt: {[round(s, 3) for s in waits_s]}")  # noqa: T201
    assert median(waits_s) < 2.0
    assert overlaps(run.marks()) == []
