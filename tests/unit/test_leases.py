"""Whose presence has not been heard of for too long?"""

from __future__ import annotations

from scheduler.leases import SessionWatch
from tests.support.builders import session


def watch() -> SessionWatch:
    """Return a watch with a lease of 30 s."""
    return SessionWatch(30.0)


def test_a_beat_that_stands_still_for_the_lease_is_overdue() -> None:
    found = watch()
    assert found.observe([session(beat=7)], 100.0, 100.0) == {}
    assert found.observe([session(beat=7)], 129.9, 129.9) == {}
    assert found.observe([session(beat=7)], 130.0, 130.0) == {"worker-1": 7}


def test_every_beat_starts_the_count_anew() -> None:
    found = watch()
    found.observe([session(beat=7)], 100.0, 100.0)
    found.observe([session(beat=8)], 129.0, 129.0)
    assert found.observe([session(beat=8)], 158.0, 158.0) == {}


def test_a_new_observer_counts_from_its_own_first_look() -> None:
    found = watch()
    assert found.observe([session(beat=7)], 9_999.0, 9_999.0) == {}


def test_a_failed_reading_starts_all_counts_anew() -> None:
    found = watch()
    found.observe([session(beat=7)], 100.0, 100.0)
    found.reset()
    assert found.observe([session(beat=7)], 131.0, 131.0) == {}


def test_a_session_that_is_gone_is_forgotten() -> None:
    found = watch()
    found.observe([session(beat=7)], 100.0, 100.0)
    found.observe([], 110.0, 110.0)
    assert found.observe([session(beat=7)], 131.0, 131.0) == {}


def test_a_reading_that_took_long_counts_from_its_end() -> None:
    found = watch()
    found.observe([session(beat=7)], 100.0, 140.0)
    assert found.observe([session(beat=7)], 141.0, 141.0) == {}
    assert found.observe([session(beat=7)], 170.0, 170.0) == {"worker-1": 7}
