"""Does `why` tell each cause once, however many ways lead to it?"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from scheduler.blockers import Blocker
from scheduler.board import Board
from scheduler.decisions import Decision
from scheduler.timetable import Node, Timetable
from tests.support.lamp import Lamp, january

RUNGS = 40


def ladder() -> Lamp:
    """Return a lamp of trees each of which depends on the two before it."""
    (hourly,) = january(("hourly",), end="2013010101")
    names = [f"t{rung:02}" for rung in range(RUNGS)]
    before = {name: names[max(0, rung - 2) : rung] for rung, name in enumerate(names) if rung}
    lamp = Lamp([replace(hourly, name=f"{name}_hourly", queue=f"q_{name}") for name in names], **before)  # type: ignore[arg-type]
    lamp.turn()
    return lamp


def told(blocker: Blocker) -> list[Blocker]:
    return [blocker, *(each for cause in blocker.causes for each in told(cause))]


def test_a_ladder_of_trees_is_told_each_rung_once(monkeypatch: pytest.MonkeyPatch) -> None:
    lamp, asked = ladder(), Counter[Node]()
    decision = Board.decision

    def count(board: Board, node: Node, supposed: Timetable | None = None) -> Decision | None:
        asked[node] += 1
        return decision(board, node, supposed)

    monkeypatch.setattr(Board, "decision", count)
    why = lamp.desk.why(f"t{RUNGS - 1}_hourly", "2013010100")
    assert (len(asked), max(asked.values())) == (RUNGS - 1, 1)  # the first one is requested
    assert len([each for each in told(why) if each.kind == "waits"]) == RUNGS


def test_what_is_told_already_is_named_and_is_no_leaf() -> None:
    lamp = ladder()
    why = lamp.desk.why("t03_hourly", "2013010100")
    (again,) = {each.text for each in told(why) if each.kind == "above" and each.process == "t01_hourly"}
    assert again == "t01_hourly 2013010100 is state_embryo: what it waits for stands above"
    assert [leaf.process for leaf in why.leaves()] == ["t00_hourly"]
