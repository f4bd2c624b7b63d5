"""Do runs stand apart, in the bands of their workers, and on the time at which they ran?"""

from __future__ import annotations

from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mx.drawing.gantt import LABELS, TOTAL, gantt
from mx.models.runs import Run
from tests.support.builders import NOW

UNTIL = NOW + timedelta(hours=1)


def run(start_s: float, length_s: float | None, session: str = "box-1-worker-7-abc", **fields: Any) -> Run:
    began = NOW + timedelta(seconds=start_s)
    ended = None if length_s is None else began + timedelta(seconds=length_s)
    first = Run(uow=f"p/{start_s}/1/1", process="p", timeperiod="1", is_managed=True, box="box-1", session=session, state="processed",
                started_at=began, ended_at=ended, seconds=length_s or 0.0, rows=None, reason="", is_backfill=False)  # fmt: skip
    return first.model_copy(update=fields)


def test_a_run_stands_on_its_time() -> None:
    (bar,) = gantt([run(900, 1800)], NOW, UNTIL, UNTIL).bars
    wide = TOTAL - LABELS
    assert (bar.x, bar.width) == (LABELS + wide / 4, wide / 2)


def test_what_reaches_over_the_time_is_cut_and_what_goes_on_ends_now() -> None:
    before, on = gantt([run(-900, 1800), run(1800, None)], NOW, UNTIL, NOW + timedelta(minutes=45)).bars
    assert (before.x, before.width) == (LABELS, (TOTAL - LABELS) / 4)
    assert (on.width, on.is_open) == ((TOTAL - LABELS) / 4, True)
    assert gantt([], NOW, UNTIL, NOW + timedelta(hours=2)).now_x is None


@given(st.lists(st.tuples(st.floats(0, 3000), st.floats(1, 900), st.sampled_from(["a", "b"])), max_size=25))
def test_runs_of_one_row_never_overlap_and_bands_keep_apart(given_runs: list[tuple[float, float, str]]) -> None:
    runs = [run(start, length, session) for start, length, session in given_runs]
    found = gantt(runs, NOW, UNTIL, UNTIL)
    assert len(found.bars) == len(runs)
    for one, other in combinations(found.bars, 2):
        if one.y == other.y:
            first, second = sorted((one.run, other.run), key=lambda each: each.started_at)
            assert first.session == second.session
            assert first.ended_at is not None
            assert first.ended_at <= second.started_at
    assert sum(band.rows for band in found.bands) == len({bar.y for bar in found.bars})


def test_a_band_is_named_by_box_and_process() -> None:
    bands = gantt([run(0, 1), run(0, 1, "odd")], NOW, UNTIL, UNTIL).bands
    assert [(band.box, band.pid) for band in bands] == [("box-1", "7"), ("box-1", "odd")]


@pytest.mark.parametrize(("minutes", "texts"), [
    (60, ["12:30", "12:35", "12:40"]), (1, ["12:30:00", "12:30:05", "12:30:10"]), (60 * 24 * 7, ["01-02", "01-03", "01-04"]),
])  # fmt: skip
def test_the_axis_has_round_moments(minutes: int, texts: list[str]) -> None:
    assert [tick.text for tick in gantt([], NOW, NOW + timedelta(minutes=minutes), NOW).ticks][:3] == texts
