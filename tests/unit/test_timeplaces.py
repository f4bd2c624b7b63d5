"""How do places of the heat map and periods go together?"""

from __future__ import annotations

import pytest

from system.errors import TimeperiodError
from system.timeperiod import DAILY, HOURLY, MONTHLY, YEARLY, Qualifier
from system.timeplaces import UNITS, periods, read, years


def ids(qualifier: Qualifier, text: str, until: str = "") -> list[str]:
    """Return the ids of the first and the last period of a range, and how many they are."""
    found = periods(qualifier, text, until)
    first, last = (qualifier.template.format(*qualifier.start_of(n).timetuple()[:6]) for n in (found[0], found[-1]))
    return [first, last, str(len(found))]


@pytest.mark.parametrize(
    ("place", "count", "first", "last"),
    [("2013", 12, "201301", "201312"), ("201202", 29, "20120201", "20120229"), ("20131104", 24, "2013110400", "2013110423"),
     ("2013110413", 60, "201311041300", "201311041359"), ("201311041307", 60, "20131104130700", "20131104130759")],
)  # fmt: skip
def test_a_place_holds_the_next_finer_ones(place: str, count: int, first: str, last: str) -> None:
    inside = [each.text for each in read(place).columns()]
    assert (len(inside), inside[0], inside[-1]) == (count, first, last)
    assert read(place).unit == UNITS[len(place)]


def test_places_follow_each_other_to_the_ends_of_the_calendar() -> None:
    steps = [("2013", "2014"), ("201312", "201401"), ("20121231", "20130101"), ("2013123123", "2014010100")]
    for before, after in steps:
        beyond, back = read(before).beside(1), read(after).beside(-1)
        assert beyond is not None
        assert back is not None
        assert (beyond.text, back.text) == (after, before)
    assert read("0001").beside(-1) is None
    assert [place.text for place in years(2012, 2014)] == ["2012", "2013", "2014"]


@pytest.mark.parametrize("text", ["", "13", "20130", "0000", "201313", "20130230", "2013110424", "9999", "2013-1", "２０１３", " 2013"])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(TimeperiodError):
        read(text)


def test_a_range_is_made_of_ids_or_of_places() -> None:
    assert ids(HOURLY, "2013110413") == ["2013110413", "2013110413", "1"]
    assert ids(HOURLY, "20131104") == ["2013110400", "2013110423", "24"]
    assert ids(HOURLY, "20131104", "20131106") == ["2013110400", "2013110523", "48"]
    assert ids(DAILY, "2013110400", "2013110600") == ["2013110400", "2013110500", "2"]
    assert ids(DAILY, "2013110413") == ["2013110400", "2013110400", "1"]  # the day that holds the hour


def test_a_longer_period_that_a_range_reaches_into_belongs_to_it() -> None:
    assert ids(DAILY, "2013110422", "2013110502") == ["2013110400", "2013110500", "2"]
    assert ids(MONTHLY, "20131130", "20131201") == ["2013110000", "2013110000", "1"]
    assert ids(YEARLY, "201311", "201402") == ["2013000000", "2014000000", "2"]
