"""Where do the days of a zone begin and end, and which hours are theirs?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from system.calendars import UTC_CALENDAR, Calendar
from system.errors import TimeperiodError, TimezoneError
from system.timeperiod import DAILY, HOURLY, MONTHLY, YEARLY, Qualifier, Timeperiod, parse

BERLIN = Calendar("Europe/Berlin")


def day(text: str) -> int:
    return parse(DAILY, f"{text}00").ordinal


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "text", "hours", "start"),
    [
        ("UTC", "20240331", 24, "2024-03-31 00:00"),
        ("Europe/Berlin", "20240330", 24, "2024-03-29 23:00"),
        ("Europe/Berlin", "20240331", 23, "2024-03-30 23:00"),
        ("Europe/Berlin", "20241027", 25, "2024-10-26 22:00"),
        ("America/New_York", "20240310", 23, "2024-03-10 05:00"),
        ("America/Sao_Paulo", "20181104", 23, "2018-11-04 03:00"),  # midnight was left out
        ("Asia/Beirut", "20240331", 23, "2024-03-30 22:00"),
        ("America/Havana", "20241103", 25, "2024-11-03 04:00"),  # midnight was shown twice
        ("America/Goose_Bay", "20101107", 25, "2010-11-07 03:00"),  # put back at 00:01 to the day before
        ("Pacific/Apia", "20111229", 24, "2011-12-29 10:00"),
        ("Pacific/Apia", "20111230", 0, "2011-12-30 10:00"),
        ("Pacific/Apia", "20111231", 24, "2011-12-30 10:00"),
        ("Pacific/Kwajalein", "19930821", 0, "1993-08-21 12:00"),
        ("Pacific/Kwajalein", "19690930", 47, "1969-09-29 13:00"),  # one and the same date for nearly two days
    ],
)
def test_a_day_begins_at_the_first_instant_of_its_date(zone: str, text: str, hours: int, start: str) -> None:
    calendar = Calendar(zone)
    assert calendar.start(DAILY, day(text)) == at(start)
    assert len(calendar.inside(DAILY, day(text), HOURLY)) == hours


@pytest.mark.parametrize("text", ["20101106", "20101107", "20101108"])
def test_every_hour_belongs_to_the_day_that_holds_it_also_where_midnight_is_taken_back(text: str) -> None:
    calendar = Calendar("America/Goose_Bay")
    inside = calendar.inside(DAILY, day(text), HOURLY)
    assert {calendar.within(HOURLY, hour, DAILY) for hour in inside} == {day(text)}
    middles = [Timeperiod(HOURLY, hour).start + timedelta(minutes=30) for hour in inside]
    assert {calendar.containing(DAILY, moment) for moment in middles} == {day(text)}


def test_no_moment_lies_in_a_day_that_is_left_out() -> None:
    samoa, change = Calendar("Pacific/Apia"), at("2011-12-30 10:00")
    assert samoa.containing(DAILY, change - timedelta.resolution) == day("20111229")
    assert samoa.containing(DAILY, change) == day("20111231")


def test_months_and_years_begin_with_their_first_day() -> None:
    assert BERLIN.start(MONTHLY, parse(MONTHLY, "2024040000").ordinal) == at("2024-03-31 22:00")
    assert BERLIN.start(YEARLY, 2024) == BERLIN.start(DAILY, day("20240101")) == at("2023-12-31 23:00")
    assert BERLIN.end(YEARLY, 2024) == at("2024-12-31 23:00")
    assert len(BERLIN.inside(MONTHLY, parse(MONTHLY, "2024030000").ordinal, HOURLY)) == 31 * 24 - 1


def test_hours_are_those_of_utc_and_dates_are_dates_everywhere() -> None:
    hour = parse(HOURLY, "2024033105").ordinal
    assert BERLIN.start(HOURLY, hour) == BERLIN.shown(HOURLY, hour) == at("2024-03-31 05:00")
    assert BERLIN.inside(MONTHLY, parse(MONTHLY, "2024020000").ordinal, DAILY) == range(day("20240201"), day("20240301"))
    assert BERLIN.within(DAILY, day("20240331"), MONTHLY) == parse(MONTHLY, "2024030000").ordinal


def test_a_bound_is_shown_as_the_clocks_there_show_it() -> None:
    shown = [BERLIN.shown(DAILY, day(text)).isoformat() for text in ("20240331", "20240401")]
    assert shown == ["2024-03-31T00:00:00+01:00", "2024-04-01T00:00:00+02:00"]


@pytest.mark.parametrize(
    ("own", "others", "found"),
    [
        (DAILY, DAILY, "UTC"),
        (MONTHLY, DAILY, "UTC"),
        (DAILY, HOURLY, "Europe/Berlin"),
        (HOURLY, DAILY, "Asia/Tokyo"),
        (HOURLY, HOURLY, "UTC"),
    ],
)
def test_the_zone_of_the_date_counts_where_the_other_side_are_hours(own: Qualifier, others: Qualifier, found: str) -> None:
    assert BERLIN.beside(own, Calendar("Asia/Tokyo"), others).time_zone == found


def test_beside_utc_a_zone_counts_only_for_its_own_dates() -> None:
    assert UTC_CALENDAR.beside(HOURLY, BERLIN, DAILY) == BERLIN
    assert UTC_CALENDAR.beside(DAILY, BERLIN, HOURLY) == UTC_CALENDAR


def test_the_ends_of_the_calendar_are_refused() -> None:
    with pytest.raises(TimeperiodError, match="in Asia/Tokyo begins outside years 1 to 9999"):
        Calendar("Asia/Tokyo").start(YEARLY, 1)
    with pytest.raises(TimeperiodError, match="in Asia/Tokyo lies outside years 1 to 9999"):
        Calendar("Asia/Tokyo").containing(DAILY, datetime(9999, 12, 31, 23, tzinfo=UTC))


def test_an_unknown_zone_is_named() -> None:
    with pytest.raises(TimezoneError, match="'Berlin' is no time zone"):
        Calendar("Berlin").containing(DAILY, at("2024-01-01"))
