"""Do the clocks keep wall time and age apart?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from system.clock import Clock, ManualClock, RealClock, TrialClock, trial_of

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


def test_a_trials_clock_goes_as_fast_as_it_is_told_and_its_ages_are_real() -> None:
    real = RealClock()
    clock: Clock = TrialClock(START, 3600.0, real.now() - timedelta(seconds=10))
    assert timedelta(hours=10) <= clock.now() - START < timedelta(hours=20)
    assert abs(clock.monotonic() - real.monotonic()) < 5
    assert clock.lasting_s(timedelta(hours=1)) == 1.0


def test_a_trials_clock_is_written_as_start_and_speed() -> None:
    assert trial_of("2024-02-29T23:59@60") == trial_of("2024-03-01T00:59+01:00@60.0") == (START, 60.0)


SPEEDS = (f"2024-02-29@{n}" for n in ("fast", "0", "-1", "nan"))


@pytest.mark.parametrize("text", ["", "60", "2024-02-29T23:59", "2024-02-30@60", "0001-01-01T00:00+05:00@5", *SPEEDS])
def test_what_is_no_trials_clock_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        trial_of(text)
