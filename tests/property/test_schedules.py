"""Do the laws of schedules hold for any schedule and any moment?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from system.errors import ScheduleError
from system.schedule import At, Every, parse_schedule

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  the strategy adds the zone
EVENTS = st.builds(
    "{}{:02}:{:02}".format, st.sampled_from(["", "*-", *(f"{day}-" for day in range(7))]), st.integers(0, 23), st.integers(0, 59)
)
SCHEDULES = st.lists(EVENTS, min_size=1, max_size=6).map(lambda events: "at " + ",".join(events))


def at(text: str) -> At:
    schedule = parse_schedule(text)
    assert isinstance(schedule, At)
    return schedule


@given(SCHEDULES, MOMENTS)
def test_now_lies_between_the_last_and_the_next_fire(text: str, now: datetime) -> None:
    schedule = at(text)
    assert schedule.last_fire(now) <= now < schedule.next_fire(now)


@given(SCHEDULES, MOMENTS)
def test_no_fire_lies_between_the_last_and_the_next(text: str, now: datetime) -> None:
    schedule = at(text)
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


@given(st.text(st.sampled_from("aevrty 0123456789:-*,.\n٣"), max_size=20))
def test_any_text_is_a_schedule_that_is_printed_back_or_is_refused_by_name(text: str) -> None:
    try:
        assert parse_schedule(text).text == text
    except ScheduleError as error:
        assert repr(text) in str(error)  # noqa: PT017  both ways out are right
