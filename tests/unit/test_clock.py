"""Do the clocks keep wall time and age apart?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from system.clock import Clock, ManualClock, RealClock

START = datetime(2024, 2, 29, 23, 59, tzinfo=UTC)


def test_a_manual_clock_moves_only_by_its_sleep() -> None:
    clock: Clock = ManualClock(START)
    clock.sleep(90)
    assert (clock.now(), clock.monotonic()) == (START + timedelta(seconds=90), 90)


def test_a_jump_moves_the_wall_clock_and_ages_nothing() -> None:
    clock = ManualClock(START)
    clock.sleep(5)
    clock.jump(-3600)
    assert (clock.now(), clock.monotonic()) == (START + timedelta(seconds=5 - 3600), 5)


def test_a_negative_sleep_takes_no_time() -> None:
    clock = ManualClock(START)
    clock.sleep(-1)
    assert clock.monotonic() == 0


def test_the_real_clock_is_aware_in_utc_and_its_age_never_falls() -> None:
    clock: Clock = RealClock()
    before = clock.monotonic()
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() >= before


def test_all_processes_of_a_machine_read_the_same_age() -> None:
    assert abs(RealClock().monotonic() - RealClock().monotonic()) < 60
