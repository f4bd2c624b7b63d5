"""Do 1,000 random timetables end as the rules say: every state, every number of runs, after every round? `--seed N` plays one alone."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from scheduler import discrete
from scheduler.board import Board
from scheduler.decisions import Open
from tests.support.brute_play import Play, differences

TIMETABLES = min(1_000, int(os.environ.get("HORARIUM_HISTORIES", "1000")))
_AT_ONCE = 25


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_every_period_is_at_every_round_where_the_rules_say_it_is(pytestconfig: pytest.Config) -> None:
    seed = pytestconfig.getoption("--seed")
    if seed is not None:
        assert not Play(seed).run()
        return
    parts = [range(first, first + _AT_ONCE) for first in range(0, TIMETABLES, _AT_ONCE)]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        wrong = [text for found in pool.map(differences, parts) for text in found]
    assert not wrong, "\n".join([f"{len(wrong)} of {TIMETABLES} timetables went wrong", *wrong[:5]])


def test_the_timetables_are_not_idle() -> None:
    plays = [Play(seed) for seed in range(40)]
    assert [play.run() for play in plays] == [""] * 40
    said = {word for play in plays for line in play.said for word in line.split()}
    assert said >= {"restart", "reprocess", "skip", "DONE", "EMPTY", "FAILED", "CANCELED", "worker"}
    places = [place for play in plays for place in play.rules.places.values()]
    assert {place.state for place in places} >= {"processed", "noop", "skipped"}
    assert {place.runs for place in places} >= {0, 1, 2}


# -- what the rules find


def found_by(seeds: range) -> bool:
    """Return whether a play finds the fault that was planted."""
    return any(differences(range(seed, seed + 1)) for seed in seeds)


def test_a_parent_that_never_runs_again_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Board, "touch_users", lambda board, node: [board.mark(user) for user in board.topology.affected_by(*node)])
    assert found_by(range(40))


def test_a_gate_that_is_always_open_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discrete, "before_work", lambda _inputs, _blocking: Open())
    assert found_by(range(40))


def test_a_reprocess_that_leaves_out_who_depends_on_it_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scheduler.plans.reprocess_nodes", lambda _board, nodes: list(nodes))
    assert found_by(range(60))
