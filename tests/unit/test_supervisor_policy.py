"""When may a process that died start again, and how is one ended?"""

from __future__ import annotations

import signal
from itertools import pairwise

import pytest

from supervisor import policy
from supervisor.policy import Life, Stopping


def dying_every(seconds: float, times: int, exit_code: int | None = 1) -> list[float]:
    """Return the waits of a process that dies `seconds` after each of its starts."""
    life, now, waits = Life(), 0.0, []
    for _ in range(times):
        life = policy.started(life, now)
        now += seconds
        life = policy.died(life, exit_code, now)
        waits.append(policy.until_start_s(life, now))
        now = life.not_before
    return [round(wait, 3) for wait in waits]


def test_fault_23_a_crash_loop_waits_longer_each_time() -> None:
    assert dying_every(5, 10) == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 60.0]


def test_fault_23_a_crash_loop_is_seen_as_one_after_five_quick_deaths() -> None:
    life = Life()
    for n in range(1, 6):
        assert not life.is_crash_loop, n
        life = policy.died(policy.started(life, 0), 1, 1)
    assert life.is_crash_loop


def test_a_minute_of_health_forgets_the_deaths_before() -> None:
    assert dying_every(60, 4) == [0.2] * 4


def test_what_was_killed_from_outside_hardly_waits() -> None:
    assert max(dying_every(1, 12, -signal.SIGKILL)) == policy.LONGEST_WAIT_AFTER_KILL_S


def after_kills(count: int) -> Life:
    life = Life()
    for _ in range(count):
        life = policy.died(policy.started(life, 0), -signal.SIGKILL, 1)
    return life


def test_a_few_kills_from_outside_are_no_crash_loop() -> None:
    life = after_kills(policy.LOOP_AFTER_KILLS - 1)
    assert not life.is_crash_loop
    assert policy.died(policy.started(life, 0), -signal.SIGKILL, 1).is_crash_loop


def test_kills_in_between_do_not_hide_a_crash_loop() -> None:
    life = after_kills(3)
    for _ in range(policy.LOOP_AFTER):
        assert not life.is_crash_loop
        life = policy.died(policy.started(life, 0), 1, 1)
    assert life.is_crash_loop


def test_a_very_long_loop_still_has_a_finite_wait() -> None:
    assert policy.wait_s(10_000, None) == policy.LONGEST_WAIT_S


def test_who_was_asked_to_end_may_start_again_at_once() -> None:
    assert policy.until_start_s(policy.ended(7.0), 7.0) == 0


@pytest.mark.parametrize(
    ("asked_at", "now", "step"),
    [(None, 3.0, Stopping.ASK), (3.0, 12.9, Stopping.WAIT), (3.0, 13.0, Stopping.KILL)],
)
def test_a_stop_asks_waits_and_kills(asked_at: float | None, now: float, step: Stopping) -> None:
    assert policy.stopping(asked_at, now, grace_s=10) is step


@pytest.mark.parametrize(
    ("exit_code", "words"),
    [(0, "exit code 0"), (3, "exit code 3"), (-9, "killed by SIGKILL"), (-200, "killed by signal 200"), (None, "ended")],
)
def test_an_exit_is_said_in_words(exit_code: int | None, words: str) -> None:
    assert policy.described(exit_code) == words


def looping(not_before: float) -> Life:
    return Life(quick_deaths=policy.LOOP_AFTER, not_before=not_before, last_end="exit code 1")


def test_of_crash_loops_one_is_tried_at_a_time_the_one_that_waits_longest() -> None:
    down = {"a": looping(5), "b": looping(3), "c": Life(not_before=7), "d": Life(not_before=99)}
    assert policy.due(down, spent_until=0, now=10) == ["b", "c"]
    assert policy.due(down, spent_until=11, now=10) == ["c"]
    assert [policy.until_due_s(life, 11, 10) for life in down.values()] == [1, 1, 0, 89]


def test_who_died_young_once_goes_before_a_crash_loop_also_where_loops_have_spent_the_pace() -> None:
    down = {"loop": looping(3), "new": Life(quick_deaths=1, not_before=9)}
    assert policy.due(down, spent_until=10, now=10) == ["new"]
    assert policy.due(down, spent_until=10 + policy.BROKEN_PACE_S, now=10) == ["new"]


def test_a_death_after_a_minute_of_health_and_a_kill_from_outside_cost_nothing_of_the_pace() -> None:
    aged = policy.died(policy.started(Life(), 0), 1, policy.HEALTHY_AFTER_S)
    assert [policy.spent(life, 7.0, 100.0) for life in (Life(), aged, after_kills(1))] == [7.0] * 3
    assert policy.due({"aged": aged, "killed": after_kills(1)}, spent_until=1e6, now=1e3) == ["aged", "killed"]


def starts_of(count: int, seconds: float, dies_after_s: float = 0.3) -> dict[str, list[float]]:
    """Return when each of so many processes starts that die soon after each start, as a keeper would have it."""
    lives, started, now, spent_until = {f"p{n}": Life() for n in range(count)}, dict[str, list[float]](), 0.0, 0.0
    while now < seconds:
        for name in policy.due(lives, spent_until, now):
            spent_until = policy.spent(lives[name], spent_until, now)
            lives[name] = policy.died(policy.started(lives[name], now), 1, now + dies_after_s)
            started.setdefault(name, []).append(now)
        now += min(policy.until_due_s(life, spent_until, now) for life in lives.values()) + 0.001
    return started


def test_fault_23_twenty_crash_loops_at_once_start_three_times_a_minute_in_all() -> None:
    starts = [at for found in starts_of(20, 3600).values() for at in found]
    assert len([at for at in starts if at <= 60]) <= 20 + policy.STARTS_IN_HAND + 4
    assert len([at for at in starts if at > 60]) <= 3540 / policy.BROKEN_PACE_S + 1


def test_three_crash_loops_are_soon_seen_as_such() -> None:
    assert all(len([at for at in found if at < 15]) >= policy.LOOP_AFTER for found in starts_of(3, 60).values())


def test_a_single_crash_is_mended_within_a_second() -> None:
    (starts,) = starts_of(1, 1).values()
    assert starts[1] < 1


def test_of_twenty_crash_loops_none_is_forgotten() -> None:
    for found in starts_of(20, 7200).values():
        late = [at for at in found if at > 1800]  # by then all are known as loops; until then who died less often goes first
        assert max(after - before for before, after in pairwise(late)) < 21 * policy.BROKEN_PACE_S
