"""Do the shapes of drawings keep apart, and keep their scale?"""

from __future__ import annotations

from itertools import pairwise

from mx.drawing.durations import beside, row
from mx.drawing.neighbourhood import GAP, HEIGHT, WIDTH, neighbourhood, shortened
from mx.models.job import Neighbour, Neighbours


def near(count: int, relation: str = "dependency", finished: int = 1) -> tuple[Neighbour, ...]:
    first = Neighbour(process="p", first="1", last="1", count=1, finished=finished, state="mixed", look_at="1", relation=relation)
    return tuple(first.model_copy(update={"process": f"p{at}"}) for at in range(count))


def test_neighbours_stand_below_each_other_and_the_job_in_the_middle() -> None:
    drawing = neighbourhood(Neighbours(inputs=near(5), users=near(1)), is_finished=False)
    inputs, (middle, user) = drawing.boxes[:5], drawing.boxes[5:]
    assert all(below.y - above.y == HEIGHT + GAP for above, below in pairwise(inputs))
    assert inputs[0].x + WIDTH < middle.x < middle.x + WIDTH < user.x
    assert middle.y == user.y == inputs[2].y
    assert (drawing.height, drawing.width) == (inputs[-1].y + HEIGHT, user.x + WIDTH)


def test_a_side_without_neighbours_takes_no_room() -> None:
    drawing = neighbourhood(Neighbours(inputs=(), users=near(2)), is_finished=True)
    assert drawing.boxes[0].x == 0
    assert neighbourhood(Neighbours(inputs=(), users=()), is_finished=True).width == WIDTH


def test_a_line_tells_whether_it_is_waited_for() -> None:
    found = Neighbours(inputs=(*near(1), *near(1, finished=0)), users=near(1))
    assert [line.waits for line in neighbourhood(found, is_finished=True).lines] == [False, True, False]
    assert neighbourhood(found, is_finished=False).lines[-1].waits


def test_a_long_name_keeps_its_ends() -> None:
    assert shortened("short") == "short"
    assert shortened("a" * 20 + "b" * 20, 11) == "aaaaa…bbbbb"


def test_a_run_and_what_is_usual_have_one_scale() -> None:
    found = beside(10.0, 5.0, 20.0, width=108)
    assert (found.bar, found.p50, found.p90) == (50.0, 25.0, 100.0)
    assert beside(None, None, None).bar is None
    assert beside(0.0, None, None).bar == 0


def test_bars_stand_in_order_and_what_is_not_known_is_a_gap() -> None:
    found = row([1.0, None, 4.0], 2.0, None, height=110, width=90)
    assert [(bar.at, bar.x) for bar in found.bars] == [(0, 0.0), (2, 56.0)]
    assert found.bars[1].height == 4 * found.bars[0].height == 100.0
    assert (found.p50, found.p90) == (60.0, None)
    assert row([], None, None).bars == ()
