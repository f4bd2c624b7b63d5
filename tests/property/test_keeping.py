"""Is every record in the store or in the archive, whatever is kept how long, and does every unit of work have a name of its own?"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.keeper import KeeperSettings
from system.lifecycle import JobState
from tests.support.kept import Shelf, after_days
from tests.support.lamp import Lamp, january

PERIODS = [f"20130101{hour:02}" for hour in range(4)]
KEPT = st.sampled_from([0, 1, 3, 10])
STEPS = st.lists(st.tuples(st.sampled_from(PERIODS), st.floats(0, 8)), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(uows=KEPT, jobs=KEPT, turns=KEPT, batch=st.integers(1, 5), steps=STEPS)
def test_archive_and_store_are_everything_and_no_name_comes_twice(
    uows: int, jobs: int, turns: int, batch: int, steps: list[tuple[str, float]]
) -> None:
    lamp, shelf = Lamp(january(("hourly",), end="2013010104")), Shelf()
    kept = KeeperSettings(uows_days=uows, jobs_days=jobs, turns_days=turns, output_days=1, batch=batch)
    lamp.run()
    opened, fences = {f"flights_hourly/{period}/1/1" for period in PERIODS}, dict.fromkeys(PERIODS, 1)
    for period, days in steps:
        after_days(lamp, days, shelf, kept)
        lamp.store.beat("scheduler-1", {})
        lamp.give("reprocess", "flights_hourly", period)
        (name,) = lamp.requested()
        assert name not in opened
        opened.add(name)
        lamp.run()
        assert lamp.job("flights_hourly", period).fence > fences[period]
        fences[period] = lamp.job("flights_hourly", period).fence
    in_store = [uow.id for period in PERIODS for uow in lamp.store.uows_of("flights_hourly", period, 99)]
    archived = [record["id"] for record in shelf.records.get("uow", ())]
    assert sorted([*in_store, *archived]) == sorted(opened)
    numbers = [turn.number for turn in lamp.store.turns_after(0, 999)] + [record["number"] for record in shelf.records.get("turn", ())]
    assert sorted(numbers) == list(range(1, lamp.engine.head + 1))
    assert all(lamp.state("flights_hourly", period) is JobState.PROCESSED for period in PERIODS)
