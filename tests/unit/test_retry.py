"""Does the wait between attempts double, stay bounded and spread, and do attempts end?"""

from __future__ import annotations

import pytest

from system.retry import backoff_s, is_used_up

KEYS = [f"flights_hourly/20130101{hour:02}/1/1" for hour in range(24)]


@pytest.mark.parametrize(("failures", "middle"), [(1, 2.0), (2, 4.0), (3, 8.0), (8, 256.0)])
def test_the_wait_doubles_and_is_spread_by_a_fifth(failures: int, middle: float) -> None:
    waits = [backoff_s(failures, 2.0, key) for key in KEYS]
    assert all(0.8 * middle <= wait <= 1.2 * middle for wait in waits)
    assert max(waits) - min(waits) > 0.2 * middle


@pytest.mark.parametrize("failures", [10, 20, 1_000, 10**9])
def test_the_wait_is_never_over_a_quarter_of_an_hour_and_still_spread_there(failures: int) -> None:
    waits = {backoff_s(failures, 2.0, key) for key in KEYS}
    assert 600 <= min(waits) < max(waits) <= 900
    assert len(waits) > 20


def test_everybody_computes_the_same_wait() -> None:
    assert backoff_s(3, 2.0, "a/b/1/1") == backoff_s(3, 2.0, "a/b/1/1")
    assert backoff_s(3, 2.0, "a/b/1/1") == pytest.approx(6.5560, abs=1e-3)


def test_each_attempt_has_its_own_spread() -> None:
    shares = [backoff_s(failures, 1.0, "a") / 2 ** (failures - 1) for failures in range(1, 9)]
    assert len({round(share, 6) for share in shares}) == 8


def test_no_first_wait_means_no_waits() -> None:
    assert backoff_s(5, 0.0, "a") == 0.0


@pytest.mark.parametrize(
    ("failures", "max_attempts", "failing_for_s", "used_up"),
    [
        (0, 1, 10**9, False), (1, 0, 0, False), (1, 1, 0, True), (2, 3, 0, False), (3, 3, 0, True), (4, 3, 0, True),
        (1_000, 0, 48 * 3600 - 1, False), (1, 0, 48 * 3600, True), (1, 5, -60, False),
    ],
)  # fmt: skip
def test_attempts_are_used_up_by_number_or_by_age(failures: int, max_attempts: int, failing_for_s: float, used_up: bool) -> None:
    assert is_used_up(failures, max_attempts, failing_for_s, 48.0) is used_up


def test_fault_23_a_process_that_always_fails_is_not_tried_again_every_few_seconds() -> None:
    tries_in_an_hour, passed = 0, 0.0
    while passed < 3600:
        tries_in_an_hour += 1
        passed += backoff_s(tries_in_an_hour, 2.0, "a/b/1/1")
    assert tries_in_an_hour <= 13
