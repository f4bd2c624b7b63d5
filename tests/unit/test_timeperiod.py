"""Do timeperiods read, write, count and nest as the reference says, at the calendar's edges too?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from system.errors import TimeperiodError
from system.timeperiod import DAILY, HOURLY, MONTHLY, QUALIFIERS, REAL_TIME, YEARLY, Qualifier, containing, parse, qualifier_named, start_of

EXAMPLES = [
    (REAL_TIME, "20150314132755", datetime(2015, 3, 14, 13, 27, 55, tzinfo=UTC), datetime(2015, 3, 14, 13, 27, 56, tzinfo=UTC)),
    (HOURLY, "2015031413", datetime(2015, 3, 14, 13, tzinfo=UTC), datetime(2015, 3, 14, 14, tzinfo=UTC)),
    (DAILY, "2015031400", datetime(2015, 3, 14, tzinfo=UTC), datetime(2015, 3, 15, tzinfo=UTC)),
    (MONTHLY, "2015030000", datetime(2015, 3, 1, tzinfo=UTC), datetime(2015, 4, 1, tzinfo=UTC)),
    (YEARLY, "2015000000", datetime(2015, 1, 1, tzinfo=UTC), datetime(2016, 1, 1, tzinfo=UTC)),
]
MALFORMED = [
    (HOURLY, "2015031424"), (HOURLY, "2015023013"), (HOURLY, "2015130100"), (HOURLY, "201503141"), (HOURLY, "20150314130"),
    (HOURLY, ""), (HOURLY, " 2015031413"), (HOURLY, "2015031413\n"), (HOURLY, "-015031413"), (HOURLY, "2015030013"), (HOURLY, "0000010100"),
    (DAILY, "2015031407"), (DAILY, "2015023000"), (DAILY, "2015022900"), (DAILY, "2015030000"), (DAILY, "20150314"),
    (MONTHLY, "2015031400"), (MONTHLY, "2015130000"), (MONTHLY, "2015000000"), (YEARLY, "2015030000"), (YEARLY, "2015"),
    (YEARLY, "0000000000"), (REAL_TIME, "20150314132760"), (REAL_TIME, "2015031413"),
]  # fmt: skip
LAST_WITHOUT_END = [
    (YEARLY, "9999000000"), (MONTHLY, "9999120000"), (DAILY, "9999123100"), (HOURLY, "9999123123"), (REAL_TIME, "99991231235959"),
]  # fmt: skip


@pytest.mark.parametrize(("qualifier", "text", "start", "end"), EXAMPLES)
def test_an_id_names_its_interval_and_is_printed_back(qualifier: Qualifier, text: str, start: datetime, end: datetime) -> None:
    period = parse(qualifier, text)
    assert (period.start, period.end, period.id, str(period)) == (start, end, text, text)


@pytest.mark.parametrize(("qualifier", "text"), MALFORMED)
def test_a_malformed_id_is_refused_by_id_qualifier_and_format(qualifier: Qualifier, text: str) -> None:
    with pytest.raises(TimeperiodError) as caught:
        parse(qualifier, text)
    assert repr(text) in str(caught.value)
    assert qualifier.noun in str(caught.value)
    assert qualifier.pattern in str(caught.value)


@pytest.mark.parametrize("text", ["٢٠١٥٠٣١٤١٣", "２０１５０３１４１３", "201503141³"])
def test_digits_of_other_scripts_are_refused(text: str) -> None:
    with pytest.raises(TimeperiodError):
        parse(HOURLY, text)


@pytest.mark.parametrize(("qualifier", "text"), LAST_WITHOUT_END)
def test_the_last_interval_of_year_9999_is_refused_because_its_end_has_no_name(qualifier: Qualifier, text: str) -> None:
    with pytest.raises(TimeperiodError):
        parse(qualifier, text)


@pytest.mark.parametrize("qualifier", QUALIFIERS.values(), ids=str)
def test_the_calendar_begins_with_year_1(qualifier: Qualifier) -> None:
    first = containing(qualifier, datetime(1, 1, 1, tzinfo=UTC))
    assert parse(qualifier, first.id) == first
    with pytest.raises(TimeperiodError, match="outside years 1 to 9999"):
        first.shift(-1)


@pytest.mark.parametrize("qualifier", QUALIFIERS.values(), ids=str)
def test_a_shift_makes_nothing_that_parse_would_refuse(qualifier: Qualifier) -> None:
    last = containing(qualifier, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
    before_last = parse(qualifier, type(last)(qualifier, last.ordinal - 1).id)
    with pytest.raises(TimeperiodError):
        before_last.shift(1)


def test_midnight_and_its_day_share_an_id_and_are_not_equal() -> None:
    hour, day = parse(HOURLY, "2015031400"), parse(DAILY, "2015031400")
    assert hour.id == day.id
    assert hour != day


@pytest.mark.parametrize(("year", "days"), [(2012, 366), (2013, 365), (1900, 365), (2000, 366), (1, 365)])
def test_a_year_has_its_days_and_hours(year: int, days: int) -> None:
    whole = parse(YEARLY, f"{year:04}000000")
    assert [len(whole.inside(q)) for q in (YEARLY, MONTHLY, DAILY, HOURLY)] == [1, 12, days, days * 24]


def test_the_29th_of_february_exists_in_leap_years_only() -> None:
    assert parse(DAILY, "2012022900").shift(1).id == "2012030100"
    assert parse(DAILY, "2013022800").shift(1).id == "2013030100"
    with pytest.raises(TimeperiodError):
        parse(DAILY, "2013022900")


def test_an_interval_contains_its_start_and_not_its_end() -> None:
    period = parse(HOURLY, "2015031413")
    assert containing(HOURLY, period.start) == period
    assert containing(HOURLY, period.end) == period.shift(1)
    assert containing(HOURLY, period.end - timedelta(microseconds=1)) == period


def test_a_moment_of_another_time_zone_is_taken_in_utc() -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    assert containing(HOURLY, datetime(2015, 3, 14, 1, 15, tzinfo=india)).id == "2015031319"


def test_no_coarser_period_holds_finer_ones_the_other_way_round() -> None:
    day = parse(DAILY, "2015031400")
    with pytest.raises(TimeperiodError, match="no single hourly timeperiod contains it"):
        day.within(HOURLY)
    with pytest.raises(TimeperiodError, match="holds no monthly timeperiods"):
        day.inside(MONTHLY)


def test_qualifiers_order_from_coarse_to_fine() -> None:
    assert sorted(QUALIFIERS.values()) == [YEARLY, MONTHLY, DAILY, HOURLY, REAL_TIME]


def test_an_unknown_qualifier_is_refused_with_the_known_ones() -> None:
    assert qualifier_named("_daily") is DAILY
    with pytest.raises(TimeperiodError, match="'_weekly' is not a time qualifier: use one of _real_time, _hourly"):
        qualifier_named("_weekly")


@pytest.mark.parametrize("ordinal", [0, -1, 10**9, 10**30])
def test_a_number_outside_the_calendar_is_refused(ordinal: int) -> None:
    with pytest.raises(TimeperiodError, match="outside years 1 to 9999"):
        start_of(DAILY, ordinal)


def test_chunks_are_months_of_hours_years_of_days_and_months_and_centuries_of_years() -> None:
    assert HOURLY.chunk_of(parse(HOURLY, "2013013123").ordinal) + 1 == HOURLY.chunk_of(parse(HOURLY, "2013020100").ordinal)
    assert DAILY.chunk_of(parse(DAILY, "2013123100").ordinal) == 2013
    assert MONTHLY.chunk_of(parse(MONTHLY, "2013120000").ordinal) == 2013
    assert YEARLY.chunk_of(parse(YEARLY, "2013000000").ordinal) == 20
