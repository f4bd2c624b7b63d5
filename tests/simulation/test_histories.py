"""Do 2,000 histories of random timetables under random misfortune go right? `--seed N` plays history N alone."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from tests.support.simulation import digest, play, violation, wrong_ones
from tests.support.simulation_plan import KINDS, plan_of

# Fewer by the environment while one is at work; a commit gets them all.
HISTORIES = int(os.environ.get("HORARIUM_HISTORIES", "2000"))
MANY_HISTORIES = 12_000
HISTORIES_WITH_ROWS = 300
_AT_ONCE = 50

# These went wrong once, behind those that a commit gets: by a fault, or by a rule that the judge lacked.
ONCE_WRONG = (1834, 2151, 2751, 3761, 4121, 4934, 7196, 7231, 7243, 7255, 7371, 9382, 10373, 10404)


@pytest.fixture
def pool() -> ProcessPoolExecutor:
    """Processes of their own, as many as there are cores."""
    return ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn"))


def played(pool: ProcessPoolExecutor, low: int, high: int) -> str:
    """Play the histories from `low` to `high`; return what went wrong in them, empty when nothing did."""
    parts = [range(first, min(high, first + _AT_ONCE)) for first in range(low, high, _AT_ONCE)]
    with pool:
        wrong = [text for found in pool.map(wrong_ones, parts) for text in found]
    return "\n".join([f"{len(wrong)} histories went wrong", *wrong[:10]]) if wrong else ""


def test_no_period_is_lost_or_doubled_order_is_kept_and_everything_ends(pool: ProcessPoolExecutor, seed: int | None) -> None:
    wrong = played(pool, 0, HISTORIES) if seed is None else violation(seed)
    assert not wrong, wrong


@pytest.mark.long
def test_many_more_histories_go_right(pool: ProcessPoolExecutor) -> None:
    wrong = played(pool, HISTORIES, MANY_HISTORIES)
    assert not wrong, wrong


@pytest.mark.parametrize("number", ONCE_WRONG)
def test_a_history_that_went_wrong_once_goes_right(number: int) -> None:
    wrong = violation(number)
    assert not wrong, wrong


def test_a_seed_gives_the_same_history_in_another_process(pool: ProcessPoolExecutor) -> None:
    seeds = range(5, 15)
    with pool:
        assert list(pool.map(digest, seeds)) == [digest(seed) for seed in seeds]


def test_every_kind_of_misfortune_strikes_and_some_histories_are_calm() -> None:
    plans = [plan_of(seed) for seed in range(100)]
    assert set().union(*(plan.kinds for plan in plans)) == set(KINDS)
    assert any(not plan.kinds for plan in plans)


def test_histories_are_not_idle() -> None:
    worlds = [play(seed) for seed in range(40)]
    turns = [turn for world in worlds for turn in world.store.every_turn()]
    moves = {move.event.name for turn in turns for move in turn.moves}
    assert moves >= {"LOST", "RETRIED", "CANCELED", "GIVEN_UP"}
    assert sum(len(world.engines) for world in worlds) > 2 * len(worlds)
    assert {verb for world in worlds for verb in world.plans} >= {"reprocess", "release", "skip", "hold", "trigger"}
    assert sum(len(world.plans) for world in worlds) > len(worlds)
    assert any(not world.book.runs(node) for world in worlds for node in world.book.nodes)  # time grouping
    assert sum(len(world.marks) for world in worlds) > 20 * len(worlds)
    jobs = [job for turn in turns for job in turn.jobs]
    assert {"late", "its"} <= {job.reason.split(" ")[0] for job in jobs}  # late data; its source has no rows, nothing new, or is away
    assert any(mark.slice and mark.slice["after"] for world in worlds for mark in world.marks)


def test_some_unit_of_work_is_widened() -> None:
    # That nobody claims it until more rows have come is seldom, so as many histories are played as it takes.
    plans = (plan_of(seed) for seed in range(HISTORIES_WITH_ROWS))
    apt = (plan.seed for plan in plans if any(p.state_machine_name == "recomputing" for p in plan.context.managed.values()))
    assert any(turn.widenings for seed in apt for turn in play(seed).store.every_turn())
