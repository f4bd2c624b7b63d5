"""Does the wait of a process that dies grow, stay bounded, and end with its health? And who may start?"""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from supervisor import policy
from supervisor.policy import Life

EXITS = st.one_of(st.none(), st.integers(-64, 255))
LIVES = st.lists(st.tuples(st.floats(0, 200), EXITS), min_size=1, max_size=40)


def lived(steps: list[tuple[float, int | None]]) -> list[tuple[Life, float]]:
    """Return the life after each of the deaths, with the time of the death; it starts again as soon as it may."""
    life, now, found = Life(), 0.0, []
    for seconds, exit_code in steps:
        life = policy.started(life, now)
        now += seconds
        life = policy.died(life, exit_code, now)
        found.append((life, now))
        now += policy.until_start_s(life, now)
    return found


@given(LIVES)
def test_every_wait_is_bounded_and_never_nothing(steps: list[tuple[float, int | None]]) -> None:
    waits = [policy.until_start_s(life, now) for life, now in lived(steps)]
    assert all(policy.FIRST_WAIT_S * 0.99 <= wait <= policy.LONGEST_WAIT_S * 1.01 for wait in waits)


@given(st.lists(st.floats(0, policy.HEALTHY_AFTER_S * 0.99), min_size=2, max_size=40))
def test_quick_deaths_in_a_row_never_shorten_the_wait(seconds: list[float]) -> None:
    waits = [policy.until_start_s(life, now) for life, now in lived([(each, 1) for each in seconds])]
    assert all(after >= before * 0.99 for before, after in pairwise(waits))


@given(st.floats(policy.HEALTHY_AFTER_S * 1.01, 1e5), LIVES)
def test_health_forgets_whatever_was_before(healthy_s: float, steps: list[tuple[float, int | None]]) -> None:
    (life, now) = lived([*steps, (healthy_s, 1)])[-1]
    assert (life.quick_deaths, life.is_broken, round(policy.until_start_s(life, now), 3)) == (0, False, policy.FIRST_WAIT_S)


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.tuples(st.integers(0, 9), st.floats(0, 100))), st.floats(0, 100), st.floats(0, 100))
def test_who_is_due_has_no_wait_left_and_at_most_one_is_broken(down: dict[str, tuple[int, float]], spent: float, now: float) -> None:
    lives = {name: Life(quick_deaths=deaths, not_before=at) for name, (deaths, at) in down.items()}
    due = policy.due(lives, spent, now)
    assert all(policy.until_due_s(lives[name], spent, now) == 0 for name in due)
    assert sum(lives[name].is_broken for name in due) <= 1
    assert set(due) >= {name for name, life in lives.items() if not life.is_broken and life.not_before <= now}
