"""At which moments does an entry fire?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from system.fires import fire_id, fires_of, moment_of, trigger_id

NOW = datetime(2026, 11, 21, 3, 7, 16, 250_000, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_fault_3_every_names_the_same_moments_however_late_it_is_asked() -> None:
    fires = fires_of("every 60", "load/night")
    first = fires.after(NOW)
    assert [fires.after(first + timedelta(seconds=late)) for late in (0, 7, 59.9)] == [first + MINUTE] * 3
    assert fires.after(first + 1_000_000 * MINUTE) == first + 1_000_001 * MINUTE


def test_every_of_whole_seconds_fires_on_whole_seconds_spread_over_its_entries() -> None:
    found = [fires_of("every 60", f"load/{number}").after(NOW) for number in range(1000)]
    assert all(moment.microsecond == 0 for moment in found)
    assert len({moment.second for moment in found}) == 60


def test_every_of_half_a_second_fires_twice_a_second() -> None:
    coming = fires_of("every 0.5", "load/night").coming(NOW, 3)
    assert [fire_id(moment) for moment in coming] == ["20261121030716500000", "20261121030717", "20261121030717500000"]


def test_at_and_cron_fire_when_they_say() -> None:
    assert fires_of("at 04:30", "a/b").after(NOW) == datetime(2026, 11, 21, 4, 30, tzinfo=UTC)
    assert fires_of("cron 0 4 * * * in Europe/Berlin", "a/b").after(NOW) == datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize("schedule", ["every 7", "at 00:00,12:30", "cron */5 * * * * in Asia/Kolkata"])
def test_the_latest_are_those_that_were_to_come(schedule: str) -> None:
    fires = fires_of(schedule, "load/night")
    coming = fires.coming(NOW, 6)
    assert fires.latest(NOW, coming[-1], 100) == coming
    assert fires.latest(NOW, coming[-1], 2) == coming[-2:]
    assert (fires.count(NOW, coming[-1], 100), fires.count(NOW, coming[-1], 4)) == (6, 4 if fires.is_walked else 6)


def test_the_bounds_of_the_latest_are_half_open() -> None:
    fires = fires_of("at 00:00", "load/night")
    midnight = fires.after(NOW)
    assert fires.latest(midnight, midnight, 9) == []
    assert fires.latest(midnight - timedelta.resolution, midnight, 9) == [midnight]


@pytest.mark.parametrize("moment", [NOW, NOW.replace(microsecond=0), NOW.replace(microsecond=1)])
def test_the_id_of_a_fire_names_its_moment(moment: datetime) -> None:
    assert moment_of(fire_id(moment)) == moment


def test_a_fire_that_was_asked_for_never_has_the_id_of_one_by_schedule_nor_of_one_before() -> None:
    first = trigger_id(NOW, "")
    assert first == "20261121030716250"
    assert trigger_id(NOW, first) == "20261121030716251"
    assert len(trigger_id(NOW.replace(microsecond=0), "")) == 17


@pytest.mark.parametrize("text", ["", "2026112103", "20261321030716", "2026112103071٣"])
def test_what_names_no_fire_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no fire|does not match|unconverted"):
        moment_of(text)
