"""Reference 1.1, sentence by sentence: which ids are there, which are refused, and which periods run together?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from system.errors import TimeperiodError
from system.grouping import group_of, largest_grouping
from system.lifecycle import JobState
from system.timeperiod import DAILY, HOURLY, MONTHLY, QUALIFIERS, REAL_TIME, YEARLY, Qualifier, Timeperiod, containing, parse
from tests.support.lamp import Lamp, january

MOMENT = datetime(2015, 3, 14, 13, 27, 55, tzinfo=UTC)


@pytest.mark.parametrize(
    ("qualifier", "pattern", "example"),
    [
        ("_real_time", "YYYYMMDDHHMMSS", "20150314132755"),
        ("_hourly", "YYYYMMDDHH", "2015031413"),
        ("_daily", "YYYYMMDD00", "2015031400"),
        ("_monthly", "YYYYMM0000", "2015030000"),
        ("_yearly", "YYYY000000", "2015000000"),
    ],
)
def test_each_qualifier_has_its_format(qualifier: str, pattern: str, example: str) -> None:
    found = QUALIFIERS[qualifier]
    assert (found.pattern, containing(found, MOMENT).id, parse(found, example).id) == (pattern, example, example)


@pytest.mark.parametrize("qualifier", QUALIFIERS.values(), ids=lambda q: q.name)
def test_ids_sort_as_text_as_they_sort_in_time(qualifier: Qualifier) -> None:
    first = containing(qualifier, MOMENT).ordinal
    ids = [Timeperiod(qualifier, first + n).id for n in range(-90, 90)]
    assert ids == sorted(ids)


def test_an_hourly_midnight_and_its_day_share_a_string() -> None:
    assert parse(HOURLY, "2015031400").id == parse(DAILY, "2015031400").id
    assert parse(HOURLY, "2015031400") != parse(DAILY, "2015031400")


@pytest.mark.parametrize(
    ("qualifier", "text"),
    [
        (DAILY, "2015023000"), (DAILY, "2015031401"), (DAILY, "20150314"), (HOURLY, "2015031424"), (HOURLY, "201503141"),
        (MONTHLY, "2015130000"), (MONTHLY, "2015030100"), (YEARLY, "2015010000"), (YEARLY, "2015"), (REAL_TIME, "2015031413"),
        (HOURLY, ""), (HOURLY, "２０１５031413"), (HOURLY, " 015031413"),
    ],
)
def test_a_malformed_impossible_or_ambiguous_id_is_refused_by_its_name_qualifier_and_format(qualifier: Qualifier, text: str) -> None:
    with pytest.raises(TimeperiodError) as caught:
        parse(qualifier, text)
    assert all(word in str(caught.value) for word in (repr(text), qualifier.noun, qualifier.pattern))


def test_a_qualifier_is_one_entry_of_one_table() -> None:
    assert {q.name: q for q in QUALIFIERS.values()} == QUALIFIERS


@pytest.mark.parametrize(("qualifier", "largest"), [(HOURLY, 23), (DAILY, 28), (MONTHLY, 12), (YEARLY, 1)])
def test_grouping_goes_up_to(qualifier: Qualifier, largest: int) -> None:
    assert largest_grouping(qualifier) == largest


# -- time grouping


def ends(qualifier: Qualifier, unit: Timeperiod, grouping: int) -> list[str]:
    """Return the ids that end a group inside `unit`."""
    found = {group_of(qualifier, ordinal, grouping)[-1] for ordinal in unit.inside(qualifier)}
    return [Timeperiod(qualifier, ordinal).id for ordinal in sorted(found)]


@pytest.mark.parametrize(
    ("qualifier", "unit", "grouping", "tokens"),
    [
        (HOURLY, parse(DAILY, "2015031400"), 3, "03 06 09 12 15 18 21 23"),
        (HOURLY, parse(DAILY, "2015031400"), 5, "05 10 15 20 23"),
        (HOURLY, parse(DAILY, "2015031400"), 20, "20 23"),
        (MONTHLY, parse(YEARLY, "2015000000"), 3, "03 06 09 12"),
        (DAILY, parse(MONTHLY, "2015020000"), 7, "07 14 21 28"),
        (DAILY, parse(MONTHLY, "2016020000"), 7, "07 14 21 28 29"),
    ],
)
def test_a_group_ends_at_a_multiple_or_at_the_units_upper_bound(qualifier: Qualifier, unit: Timeperiod, grouping: int, tokens: str) -> None:
    place = {HOURLY: slice(8, 10), DAILY: slice(6, 8), MONTHLY: slice(4, 6)}[qualifier]
    assert [timeperiod[place] for timeperiod in ends(qualifier, unit, grouping)] == tokens.split()


@pytest.mark.parametrize("grouping", range(2, 24))
def test_token_00_ends_no_group(grouping: int) -> None:
    assert "2015031400" not in ends(HOURLY, parse(DAILY, "2015031400"), grouping)


@pytest.mark.parametrize("grouping", [1, 2, 3, 5, 7, 20, 23])
def test_no_group_crosses_its_enclosing_unit(grouping: int) -> None:
    day = parse(DAILY, "2015031400")
    assert [hour for end in ends(HOURLY, day, grouping) for hour in group_of(HOURLY, parse(HOURLY, end).ordinal, grouping)] == list(
        day.inside(HOURLY)
    )


@pytest.mark.parametrize(
    ("qualifier", "end", "start"),
    [
        (HOURLY, "2015031412", "2015031410"), (HOURLY, "2015031411", "2015031410"), (HOURLY, "2015031403", "2015031400"),
        (HOURLY, "2015031423", "2015031422"), (HOURLY, "2015031400", "2015031400"), (DAILY, "2015030600", "2015030400"),
        (DAILY, "2015033100", "2015033100"), (DAILY, "2015030100", "2015030100"), (DAILY, "2015033000", "2015032800"),
        (MONTHLY, "2015120000", "2015100000"), (MONTHLY, "2015010000", "2015010000"),
    ],
)
def test_a_window_of_three_starts_after_the_group_before(qualifier: Qualifier, end: str, start: str) -> None:
    assert Timeperiod(qualifier, group_of(qualifier, parse(qualifier, end).ordinal, 3)[0]).id == start


def test_a_period_that_ends_no_group_becomes_noop_without_a_unit_of_work() -> None:
    lamp = Lamp(january(("hourly",), time_grouping=3))
    assert lamp.run() == 8
    job = lamp.job("flights_hourly", "2013010102")
    assert (job.state, job.run, job.reason) == (JobState.NOOP, 0, "not a group end")


def test_a_unit_of_works_window_is_half_open_from_its_groups_start() -> None:
    lamp = Lamp(january(("hourly",), time_grouping=3))
    lamp.turn()
    uow = lamp.uow("flights_hourly/2013010106/1/1")
    assert (uow.start_timeperiod, uow.end_timeperiod) == ("2013010104", "2013010107")


def test_without_grouping_the_window_is_the_period() -> None:
    lamp = Lamp(january(("hourly",)))
    lamp.turn()
    uow = lamp.uow("flights_hourly/2013010123/1/1")
    assert (uow.start_timeperiod, uow.end_timeperiod) == ("2013010123", "2013010200")
