"""Does `why` give exactly what the engine waits for? At every turn of random timetables, against gates by brute force."""

from __future__ import annotations

import pytest

from tests.support.random_play import RandomPlay


@pytest.mark.parametrize("seed", range(16))
@pytest.mark.parametrize("all_due", [True, False], ids=["all due", "in their midst"])
def test_why_equals_what_the_gates_say_at_every_turn(seed: int, all_due: bool) -> None:
    play = RandomPlay(seed, all_due=all_due)
    for _ in range(12):
        assert play.wrong_whys(25) == []
        play.step()
