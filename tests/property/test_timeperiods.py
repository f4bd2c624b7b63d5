"""Do the laws of timeperiods hold for any moment of the calendar?"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from system.errors import TimeperiodError
from system.timeperiod import QUALIFIERS, REAL_TIME, Qualifier, Timeperiod, containing, parse

MOMENTS = st.datetimes(datetime(1, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001  the strategy adds the zone
KINDS = st.sampled_from(list(QUALIFIERS.values()))
STORED = [q for q in QUALIFIERS.values() if q is not REAL_TIME]


@st.composite
def periods(draw: st.DrawFn) -> Timeperiod:
    return containing(draw(KINDS), draw(MOMENTS))


@st.composite
def nested(draw: st.DrawFn) -> tuple[Timeperiod, Qualifier]:
    """Return a period and a coarser (or equal) qualifier."""
    period = draw(periods())
    return period, draw(st.sampled_from([q for q in QUALIFIERS.values() if q <= period.qualifier]))


@given(periods())
def test_text_and_period_are_each_others_inverse(period: Timeperiod) -> None:
    assert parse(period.qualifier, period.id) == period


@given(KINDS, st.text(st.sampled_from("0123456789٣ -\n"), max_size=16) | st.text(max_size=16))
def test_any_text_is_an_id_that_prints_back_or_is_refused(qualifier: Qualifier, text: str) -> None:
    try:
        assert parse(qualifier, text).id == text
    except TimeperiodError as error:
        assert qualifier.pattern in str(error)  # noqa: PT017  both ways out are right


@given(periods())
def test_ordinals_are_consecutive_without_a_gap(period: Timeperiod) -> None:
    following = period.shift(1)
    assert following.ordinal == period.ordinal + 1
    assert following.start == period.end > period.start


@given(KINDS, MOMENTS, MOMENTS)
def test_ids_and_ordinals_sort_as_time_does(qualifier: Qualifier, one: datetime, other: datetime) -> None:
    a, b = containing(qualifier, min(one, other)), containing(qualifier, max(one, other))
    assert (a < b) == (a.id < b.id) == (a.start < b.start)
    assert a <= b


@given(periods(), st.integers(-1000, 1000))
def test_a_shift_and_its_opposite_cancel(period: Timeperiod, steps: int) -> None:
    try:
        moved = period.shift(steps)
    except TimeperiodError:
        assert not 2 <= period.start.year + steps <= 9990  # only at the calendar's edges
    else:
        assert moved.shift(-steps) == period


@given(KINDS, MOMENTS)
def test_the_period_containing_a_moment_contains_it(qualifier: Qualifier, moment: datetime) -> None:
    period = containing(qualifier, moment)
    assert period.start <= moment < period.end


@given(nested())
def test_within_and_inside_agree(pair: tuple[Timeperiod, Qualifier]) -> None:
    period, coarse = pair
    outer = period.within(coarse)
    assert outer.start <= period.start < period.end <= outer.end
    assert period.ordinal in outer.inside(period.qualifier)


@given(nested())
def test_neighbours_share_out_the_finer_periods_without_gap_or_overlap(pair: tuple[Timeperiod, Qualifier]) -> None:
    fine, coarse = pair[0].qualifier, pair[1]
    outer = pair[0].within(coarse)
    inside, following = outer.inside(fine), outer.shift(1).inside(fine)
    assert inside.stop == following.start
    assert Timeperiod(fine, inside.start).start == outer.start
    assert Timeperiod(fine, inside.stop).start == outer.end


@given(periods())
def test_a_chunk_starts_at_its_first_period(period: Timeperiod) -> None:
    qualifier = period.qualifier
    chunk = qualifier.chunk_of(period.ordinal)
    assert qualifier.chunk_start(chunk) <= period.ordinal < qualifier.chunk_start(chunk + 1)
    if qualifier.chunk_start(chunk) > 0:  # the century of year 1 starts with a year that the calendar lacks
        assert qualifier.chunk_of(qualifier.chunk_start(chunk)) == chunk


@given(st.sampled_from(STORED), MOMENTS)
def test_chunk_numbers_never_fall(qualifier: Qualifier, moment: datetime) -> None:
    first = containing(qualifier, moment).ordinal
    chunks = [qualifier.chunk_of(ordinal) for ordinal in range(first, first + 40)]
    assert all(b - a in (0, 1) for a, b in pairwise(chunks))
