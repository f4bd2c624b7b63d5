"""Is a cron expression read as cron reads it, refused with what is wrong, and due once where clocks change?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from system.cron import Cron
from system.errors import ScheduleError
from system.schedule import parse_schedule

FRIDAY = datetime(2026, 11, 20, 12, tzinfo=UTC)
GOOD = [
    "cron * * * * *", "cron 30 2 * * 1-5 in Europe/Berlin", " cron  0 7 * *  MON,FRI ", "cron */5 0-6/2 L * *", "cron 0 0 LW JAN,JUL *",
    "cron 0 0 * * 1#2", "cron 0 0 * * 5L in America/Argentina/Buenos_Aires", "cron 0 0 13 * 5", "cron 0 0 29 2 *", "cron 0 0 * * 7 in UTC",
]  # fmt: skip
BAD = {
    "cron": "write 'cron' and five fields (minute, hour, day of the month, month, day of the week), then 'in ZONE' or nothing",
    "cron * * * *": "five fields",
    "cron * * * * * *": "five fields",
    "cron * * * * * UTC": "five fields",
    "cron * * * * * in": "five fields",
    "cron * * * * * in UTC please": "five fields",
    "cron @daily": "five fields",
    "cron 60 * * * *": "its minute '60' can't be read: write *, or 0 to 59, or a list 1,2, range 1-5 or step */2",
    "cron * 24 * * *": "its hour '24' can't be read",
    "cron * * 0 * *": "its day of the month '0' can't be read",
    "cron * * * 13 *": "its month '13' can't be read",
    "cron * * * * MO": "its day of the week 'MO' can't be read",
    "cron 5-1 * * * *": "its minute '5-1' can't be read",
    "cron */0 * * * *": "its minute '*/0' can't be read",
    "cron ٣ * * * *": "its minute '٣' can't be read",
    "cron " + "9" * 5_000 + " * * * *": "can't be read",
    "cron 0 0 30 2 *": "it would never fire: no date is in month 2, on day of the month 30 and day of the week *",
    "cron 0 0 31 4,6,9,11 *": "it would never fire",
    "cron 0 0 */20 * 1L": "it would never fire",
    "cron 0 0 * * * in Europe/Berln": "'Europe/Berln' is no time zone: write its IANA name; did you mean Europe/Berlin or ",
    "cron 0 0 * * * in berlin": "did you mean Europe/Berlin or ",
    "cron 0 0 * * * in CEST2": "is no time zone",
    "cron 0 0 * * * in localtime": "is no time zone",
    "cron 0 0 * * * in right/UTC": "is no time zone",
    "cron 0 0 * * * in ../UTC": "is no time zone",
    "cron 0 0 * * * in Atlantis": "is no time zone: write its IANA name",
    "cron 0 0 * * * in 07:00": "is no time zone: write its IANA name, such as Europe/Berlin",
}


def cron(text: str) -> Cron:
    schedule = parse_schedule(text)
    assert isinstance(schedule, Cron)
    return schedule


def fires(text: str, since: datetime, count: int) -> list[str]:
    """Return the next fires as local times."""
    schedule, found = cron(text), []
    for _ in range(count):
        since = schedule.next_fire(since)
        found.append(f"{since.astimezone(schedule.zone):%d %H:%M}")
    return found


@pytest.mark.parametrize("text", GOOD)
def test_a_cron_is_printed_back_as_it_was_given(text: str) -> None:
    assert parse_schedule(text).text == text


@pytest.mark.parametrize(("text", "words"), BAD.items(), ids=range(len(BAD)))
def test_a_bad_cron_is_refused_with_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        parse_schedule(text)
    assert str(caught.value).startswith(f"{text!r} is not a schedule: ")
    assert words in str(caught.value)


def test_without_a_zone_its_times_are_utc() -> None:
    assert cron("cron 30 2 * * *").next_fire(FRIDAY) == datetime(2026, 11, 21, 2, 30, tzinfo=UTC)
    assert cron("cron 30 2 * * * in Europe/Berlin").next_fire(FRIDAY) == datetime(2026, 11, 21, 1, 30, tzinfo=UTC)


def test_moments_may_come_in_any_zone_and_go_in_utc() -> None:
    berlin = cron("cron 30 2 * * * in Europe/Berlin")
    now = FRIDAY.astimezone(berlin.zone)
    assert berlin.next_fire(now) == berlin.next_fire(FRIDAY)
    assert (berlin.next_fire(now).tzinfo, berlin.last_fire(now).tzinfo) == (UTC, UTC)


def test_weekdays_are_counted_from_sunday() -> None:
    assert cron("cron 0 7 * * 1-5").next_fire(FRIDAY) == datetime(2026, 11, 23, 7, tzinfo=UTC)
    assert cron("cron 0 7 * * 0").next_fire(FRIDAY) == cron("cron 0 7 * * 7").next_fire(FRIDAY) == datetime(2026, 11, 22, 7, tzinfo=UTC)


def test_of_a_day_of_the_month_and_one_of_the_week_either_is_enough() -> None:
    assert fires("cron 0 0 25 * MON", FRIDAY, 3) == ["23 00:00", "25 00:00", "30 00:00"]


def test_the_moment_itself_counts_as_fired() -> None:
    due = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
    assert cron("cron 30 12 * * *").last_fire(due) == due
    assert cron("cron 30 12 * * *").next_fire(due) == due + timedelta(days=1)
    assert cron("cron 30 12 * * *").last_fire(due - timedelta.resolution) == due - timedelta(days=1)


def test_fault_3_fires_do_not_drift_with_the_moment_of_asking() -> None:
    schedule = cron("cron */20 * * * *")
    late = [FRIDAY + timedelta(seconds=asked) for asked in (0, 0.000001, 1, 777, 1199.999999)]
    assert {schedule.next_fire(now) for now in late} == {FRIDAY + timedelta(minutes=20)}


# In Berlin 02:00 to 03:00 is left out on 2026-03-29, and comes twice on 2026-10-25.
BEFORE_GAP = datetime(2026, 3, 28, 22, tzinfo=UTC)
BEFORE_FOLD = datetime(2026, 10, 24, 21, tzinfo=UTC)


def test_a_time_that_is_left_out_fires_once_when_clocks_are_put_forward() -> None:
    assert fires("cron 30 2 * * * in Europe/Berlin", BEFORE_GAP, 2) == ["29 03:00", "30 02:30"]


def test_all_times_that_are_left_out_fire_once_together() -> None:
    assert fires("cron 0,10,20 2,3 * * * in Europe/Berlin", BEFORE_GAP, 4) == ["29 03:00", "29 03:10", "29 03:20", "30 02:00"]


def test_a_time_that_comes_twice_fires_the_first_time() -> None:
    assert fires("cron 30 2 * * * in Europe/Berlin", BEFORE_FOLD, 2) == ["25 02:30", "26 02:30"]
    assert cron("cron 30 2 * * * in Europe/Berlin").next_fire(BEFORE_FOLD) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_what_repeats_through_the_day_fires_at_each_real_time() -> None:
    assert fires("cron 0 * * * * in Europe/Berlin", BEFORE_GAP, 5) == ["29 00:00", "29 01:00", "29 03:00", "29 04:00", "29 05:00"]
    assert fires("cron 0 * * * * in Europe/Berlin", BEFORE_FOLD, 5) == ["25 00:00", "25 01:00", "25 02:00", "25 02:00", "25 03:00"]
    assert fires("cron */30 2 * * * in Europe/Berlin", BEFORE_GAP, 2) == ["30 02:00", "30 02:30"]
    assert fires("cron */30 2 * * * in Europe/Berlin", BEFORE_FOLD, 5) == ["25 02:00", "25 02:30", "25 02:00", "25 02:30", "26 02:00"]


def test_a_day_that_a_country_left_out_still_has_its_fire() -> None:
    without_the_30th = datetime(2011, 12, 29, tzinfo=UTC)
    assert fires("cron 0 12 * * * in Pacific/Apia", without_the_30th, 3) == ["29 12:00", "31 00:00", "31 12:00"]


def test_the_last_fire_of_a_rare_cron_may_be_years_ago() -> None:
    assert cron("cron 0 0 29 2 *").last_fire(FRIDAY) == datetime(2024, 2, 29, tzinfo=UTC)
    assert cron("cron 0 0 * 2 MON#5").last_fire(FRIDAY) == datetime(2016, 2, 29, tzinfo=UTC)
