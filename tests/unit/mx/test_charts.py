"""Are small numbers drawn to scale?"""

from __future__ import annotations

import pytest

from mx.charts import nice_top, stacked


@pytest.mark.parametrize(("most", "top"), [(0, 1), (1, 1), (3, 5), (6, 10), (10, 10), (11, 20), (72, 100), (501, 1000)])
def test_the_scale_ends_at_a_round_number(most: int, top: int) -> None:
    assert nice_top(most) == top


def test_bars_stand_on_each_other_and_what_is_there_is_seen() -> None:
    chart = stacked([[("good", 30), ("bad", 20)], [], [("good", 1)]], step=5, height=100)
    drawn = [(bar.kind, bar.x, bar.y, bar.height) for bar in chart.bars]
    assert drawn == [("good", 0, 40.0, 60.0), ("bad", 0, 0.0, 40.0), ("good", 10, 98.0, 2.0)]
    assert stacked([[("good", 1), ("bad", 10_000)]], height=50).bars[0].height == 1.0
