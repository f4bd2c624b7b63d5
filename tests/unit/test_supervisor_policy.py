"""When may a process that died start again, and how is one ended?"""

from __future__ import annotations

import signal

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
