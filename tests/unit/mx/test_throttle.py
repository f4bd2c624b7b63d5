"""Does the wait double with each failure, end, and count for the right one?"""

from __future__ import annotations

from datetime import timedelta

import pytest

from mx.security.throttle import PER_ADDRESS, PER_NAME, Count, Rule, failed, forgiven, place_of, wait_s
from tests.support.builders import NOW

RULE = Rule(3, 60, timedelta(hours=1))


def waits(rule: Rule, failures: int) -> list[int]:
    """Return the wait after each failure, when they follow each other at once."""
    count, found = Count(), []
    for _ in range(failures):
        count = failed(count, rule, NOW)
        found.append(wait_s(count, rule, NOW))
    return found


def test_the_first_failures_are_free_then_the_wait_doubles_up_to_a_most() -> None:
    assert waits(RULE, 10) == [0, 0, 2, 4, 8, 16, 32, 60, 60, 60]
    assert waits(PER_NAME, 5) == [0, 0, 0, 0, 2]
    assert max(waits(PER_NAME, 1000)) == 300
    assert max(waits(PER_ADDRESS, 1000)) == 900


def test_a_name_gets_few_guesses_a_day() -> None:
    count, now, guesses = Count(), NOW, 0
    while now < NOW + timedelta(days=1):
        count = failed(count, PER_NAME, now)
        guesses += 1
        now += timedelta(seconds=wait_s(count, PER_NAME, now))
    assert guesses < 310


def test_the_wait_goes_by() -> None:
    count = Count(5, NOW)
    assert [wait_s(count, RULE, NOW + timedelta(seconds=s)) for s in (0, 3.5, 7, 8, 100)] == [8, 5, 1, 0, 0]


def test_failures_of_long_ago_are_forgotten() -> None:
    assert failed(Count(50, NOW), RULE, NOW + timedelta(minutes=61)).failures == 1
    assert failed(Count(50, NOW), RULE, NOW + timedelta(minutes=59)).failures == 51


def test_a_clock_that_is_set_back_makes_nobody_wait_longer() -> None:
    assert wait_s(Count(5, NOW), RULE, NOW - timedelta(days=400)) == 8


def test_one_failure_is_forgiven_and_none_below_none() -> None:
    assert forgiven(Count(2, NOW)) == Count(1, NOW)
    assert forgiven(Count(0, None)) == Count(0, None)


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("unix:", "unknown"),
    ],
)
def test_an_ipv6_subscriber_counts_as_one(address: str, place: str) -> None:
    assert place_of(address) == place
