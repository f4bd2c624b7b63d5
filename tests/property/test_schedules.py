"""Do the laws of schedules hold for any schedule and any moment?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from system.errors import ScheduleError
from system.schedule import At, Every, parse_schedule
from tests.support.clock_changes import ZONES

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  the strategy adds the zone
EVENTS = st.builds(
    "{}{:02}:{:02}".format, st.sampled_from(["", "*-", *(f"{day}-" for day in range(7))]), st.integers(0, 23), st.integers(0, 59)
)
SCHEDULES = st.lists(EVENTS, min_size=1, max_size=6).map(lambda events: "at " + ",".join(events))


def field(low: int, high: int) -> st.SearchStrategy[str]:
    """Return texts of one field of a cron."""
    number = st.integers(low, high)
    some = st.sets(number, min_size=1, max_size=4).map(sorted)
    ranges = some.map(lambda found: f"{found[0]}-{found[-1]}")
    steps = st.builds("{}/{}".format, st.one_of(st.just("*"), ranges), st.integers(1, high))
    return st.one_of(st.just("*"), some.map(lambda found: ",".join(map(str, found))), ranges, steps)


CRONS = st.builds(
    "cron {} {} {} {} {} in {}".format, field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6), st.sampled_from(ZONES)
)
TEXTS = st.text(st.sampled_from("aevrty 0123456789:-*,.\n٣"), max_size=20)
PARTS = st.text(st.sampled_from("0123456789*/-,#LWSUNJA٣"), min_size=1, max_size=6)
CRON_TEXTS = st.lists(PARTS, min_size=5, max_size=7).map(lambda parts: f"cron {' '.join(parts)}")
ANY = st.one_of(SCHEDULES, CRONS, st.just("every 60"))


def at(text: str) -> At:
    schedule = parse_schedule(text)
    assert isinstance(schedule, At)
    return schedule


@given(ANY, MOMENTS)
def test_now_lies_between_the_last_and_the_next_fire(text: str, now: datetime) -> None:
    schedule = parse_schedule(text)
    assert schedule.last_fire(now) <= now < schedule.next_fire(now)


@given(ANY, MOMENTS)
def test_no_fire_lies_between_the_last_and_the_next(text: str, now: datetime) -> None:
    schedule = parse_schedule(text)
    last, following = schedule.last_fire(now), schedule.next_fire(now)
    assert schedule.next_fire(last) == following
    assert schedule.last_fire(following - timedelta(microseconds=1)) == last


@given(SCHEDULES, MOMENTS)
def test_it_fires_at_the_minutes_that_were_written_and_no_others(text: str, now: datetime) -> None:
    fire = at(text).next_fire(now)
    events = text.removeprefix("at ").split(",")
    assert any(event.endswith(f"{fire:%H:%M}") and event[:-5] in ("", "*-", f"{fire.weekday()}-") for event in events)
    assert (fire.second, fire.microsecond) == (0, 0)


@given(SCHEDULES, MOMENTS)
def test_a_week_later_it_fires_again(text: str, now: datetime) -> None:
    fire = at(text).next_fire(now)
    assert at(text).last_fire(fire + timedelta(days=7)) == fire + timedelta(days=7)


@given(st.integers(1, 10**9))
def test_an_interval_is_read_in_seconds_and_printed_back(seconds: int) -> None:
    schedule = parse_schedule(f"every {seconds}")
    assert schedule == Every(f"every {seconds}", float(seconds))


@given(st.one_of(TEXTS, CRON_TEXTS))
def test_any_text_is_a_schedule_that_is_printed_back_or_is_refused_by_name(text: str) -> None:
    try:
        assert parse_schedule(text).text == text
    except ScheduleError as error:
        assert repr(text) in str(error)  # noqa: PT017  both ways out are right
