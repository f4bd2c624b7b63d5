"""Has the simulation teeth where somebody asks why? With each fault in the answers, a violation is found within 300 histories."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from db.model import Job
from scheduler import decisions, why
from scheduler.blockers import Blocker
from scheduler.decisions import Input
from scheduler.desk import Desk
from scheduler.timetable import Node
from scheduler.why import Scene
from tests.support.simulation_search import first_wrong

Patch = Callable[[pytest.MonkeyPatch], None]


def with_the_first_cause_alone(patch: pytest.MonkeyPatch) -> None:
    cause = why._cause
    patch.setattr(why, "_cause", lambda *given: cause(*given)[:1])


def with_the_last_period_instead_of_the_first(patch: pytest.MonkeyPatch) -> None:
    blocker = decisions._blocker

    def of_another(entry: Input) -> Blocker:
        found = blocker(entry)
        year = int(found.timeperiod[:4]) + 1 if found.timeperiod else 0
        return replace(found, timeperiod=f"{year:04}{found.timeperiod[4:]}") if year else found

    patch.setattr(decisions, "_blocker", of_another)


def without_a_word_of_being_off(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(why, "_off", lambda scene, process, timeperiod: Blocker("turn", "it is free to run", process, timeperiod))


def without_the_schedule_that_is_in_force(patch: pytest.MonkeyPatch) -> None:
    is_due = why._open_period

    def at_once(scene: Scene, node: Node) -> Blocker:
        found = is_due(scene, node)
        return replace(found, kind="turn") if found.kind == "open period" else found

    patch.setattr(why, "_open_period", at_once)


def without_holds(patch: pytest.MonkeyPatch) -> None:
    cause = why._cause

    def as_if_released(scene: Scene, node: Node, job: Job | None, depth: int, told: set[Node]) -> tuple[Blocker, ...]:
        return cause(scene, node, replace(job, held="") if job else None, depth, told)

    patch.setattr(why, "_cause", as_if_released)


def without_switches_since_the_first_reading(patch: pytest.MonkeyPatch) -> None:
    board = Desk._board

    def as_the_context_says(self: Desk, names: object) -> object:
        found = board(self, names)  # type: ignore[arg-type]
        for states in found[0].timetable.states.values():
            states.switch = None
        return found

    patch.setattr(Desk, "_board", as_the_context_says)


TEETH = [
    with_the_first_cause_alone,
    with_the_last_period_instead_of_the_first,
    without_a_word_of_being_off,
    without_the_schedule_that_is_in_force,
    without_holds,
    without_switches_since_the_first_reading,
]


@pytest.mark.parametrize("spoil", TEETH, ids=lambda patch: patch.__name__)
def test_a_wrong_answer_is_noticed(spoil: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(monkeypatch)
    found = first_wrong()
    assert "why says" in found or "does not wait" in found
