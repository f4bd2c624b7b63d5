"""What is expected of the next task's duration?"""

from __future__ import annotations

import pytest

from workers.pace import Pace


def test_nothing_is_expected_of_a_process_that_never_ran() -> None:
    pace = Pace()
    assert (pace.expected_s("flights"), pace.overall_s()) == (None, None)


def test_a_slower_task_counts_at_once_and_a_faster_one_little_by_little() -> None:
    pace = Pace()
    for seconds in (0.01, 1.0, 0.5):
        pace.took("flights", seconds)
    assert pace.expected_s("flights") == pytest.approx(0.9)


def test_processes_are_learned_apart_and_together() -> None:
    pace = Pace()
    pace.took("flights", 0.01)
    pace.took("weather", 2.0)
    assert (pace.expected_s("flights"), pace.expected_s("weather"), pace.overall_s()) == (0.01, 2.0, 2.0)


def test_a_duration_is_never_nothing() -> None:
    pace = Pace()
    pace.took("flights", 0.0)
    assert (pace.expected_s("flights") or 0.0) > 0.0


def test_nothing_is_expected_any_more_of_a_process_that_leaks() -> None:
    pace = Pace()
    pace.took("flights", 0.01)
    pace.leaks("flights")
    pace.took("flights", 0.01)
    assert pace.expected_s("flights") is None
