"""How long does a process usually take, and a plan?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from db.memory import MemoryStore
from db.model import UnitOfWork
from scheduler.durations import LAST, Usual, forecast, span_text, usual
from scheduler.plans import Action, Plan, Step
from scheduler.timetable import ordinal_of
from scheduler.trees import Topology
from system.lifecycle import UowState
from system.timeperiod import DAILY, HOURLY
from tests.support.builders import NOW, uow
from tests.support.lamp import Lamp, context, hours, january
from tests.support.pretended_roof import LampRoof, Terminal

DAY = ("flights_daily", ordinal_of(DAILY, "2013010100"))
TEN = ordinal_of(HOURLY, "2013010110")
MINUTES: dict[str, Usual | None] = {"flights_hourly": Usual(60.0, 60.0, 5), "flights_daily": Usual(600.0, 600.0, 5)}


def took(*seconds: float, state: UowState = UowState.PROCESSED) -> list[UnitOfWork]:
    """Return units of work that took so long."""
    ends = [NOW + timedelta(seconds=each) for each in seconds]
    return [uow(f"a_hourly/2013010100/1/{n}", state=state, started_at=NOW, finished_at=end) for n, end in enumerate(ends)]


def planned(*hours: int, with_day: bool = True, action: Action = Action.REOPEN) -> Plan:
    """Return a plan of these hours and their day."""
    steps = [Step(("flights_hourly", ordinal_of(HOURLY, f"20130101{hour:02}")), action) for hour in hours]
    return Plan((*steps, *((Step(DAY, action),) if with_day else ())))


def asked_of(known: dict[str, Usual | None]) -> Callable[[list[str]], dict[str, Usual | None]]:
    """Return whom a forecast asks what processes usually take."""
    return lambda names: {name: known.get(name) for name in names}


def told(plan: Plan, slots: int, *, known: dict[str, Usual | None] | None = None, limit: int = 0) -> tuple[float, float]:
    """Return the seconds of a plan's forecast, and those of its longest chain."""
    found = forecast(plan, Topology(context(january())), asked_of(MINUTES if known is None else known), {"flights_hourly": limit}, slots)
    return found.seconds, found.chain_s


def test_usual_is_the_median_of_what_was_processed() -> None:
    assert usual(took(1.0, 2.0, 30.0)) == Usual(2.0, 30.0, 3)
    assert usual([*took(1.0), *took(500.0, state=UowState.NOOP), *took(900.0, state=UowState.INVALID)]) == Usual(1.0, 1.0, 1)
    assert usual([]) is None


def test_a_workers_clock_that_was_set_back_makes_no_negative_duration() -> None:
    assert usual(took(-5.0)) == Usual(0.0, 0.0, 1)


def test_the_worst_tenth_is_left_out_of_the_longest() -> None:
    assert usual(took(*map(float, range(1, 21)))) == Usual(10.5, 18.0, 20)


@pytest.mark.parametrize(
    ("slots", "seconds"), [(1, 4 * 60.0 + 600.0), (2, 2 * 60.0 + 600.0), (4, 660.0), (100, 660.0), (0, 4 * 60.0 + 600.0)]
)
def test_a_plan_takes_as_long_as_its_slots_and_its_longest_chain_let_it(slots: int, seconds: float) -> None:
    assert told(planned(1, 2, 3, 4), slots) == (seconds, 660.0)


def test_max_in_flight_lets_fewer_run_at_once() -> None:
    assert told(planned(1, 2, 3, 4), 4, limit=1) == (840.0, 840.0)
    assert told(planned(1, 2, 3, 4), 4, limit=2)[0] == 720.0


def test_what_has_no_history_is_named_and_counts_as_nothing() -> None:
    found = forecast(planned(1, 2), Topology(context(january())), asked_of({**MINUTES, "flights_daily": None}), {}, 1)
    assert (found.seconds, found.unknown, found.steps) == (120.0, ("flights_daily",), (60.0, 60.0, None))


def test_what_runs_nothing_takes_nothing() -> None:
    found = forecast(planned(1, 2, action=Action.SKIP), Topology(context(january())), asked_of(MINUTES), {}, 1)
    assert (found.seconds, found.unknown, found.steps) == (0.0, (), (None, None, None))


def test_in_order_the_periods_follow_each_other() -> None:
    topology = Topology(context(january(("hourly",), in_order=True)))
    plan = planned(1, 2, 3, with_day=False)
    assert forecast(plan, topology, asked_of(MINUTES), {}, 8).seconds == 180.0


class Counted(MemoryStore):
    """A store that notes how many records were read by period and by id."""

    read = 0

    def jobs_at(self, places):  # type: ignore[no-untyped-def]
        self.read += len(places)
        return super().jobs_at(places)


def test_only_the_last_processed_periods_are_read_however_many_there_are() -> None:
    lamp = Lamp(january(("hourly",), days=10), store=(store := Counted()))
    lamp.run()
    plan = lamp.desk.plan("reprocess", "flights_hourly", "2013010100")
    store.read = 0
    assert lamp.desk.forecast(plan).unknown == ()
    assert store.read == LAST


def test_the_desk_says_how_long_it_runs_and_how_long_it_usually_does() -> None:
    lamp = Lamp(january(("hourly",)))
    lamp.turn()
    (one,) = lamp.claim(*hours(1))
    lamp.clock.sleep(120)
    lamp.store.beat("worker-1", {})
    lamp.finish(one)
    lamp.turn()
    lamp.claim(hours(2)[1])
    lamp.clock.sleep(180)
    (leaf,) = lamp.desk.why("flights_hourly", "2013010101").leaves()
    assert leaf.text == "flights_hourly/2013010101/1/1 is running on box-1 for 3 min, usually 2 min"
    assert lamp.desk.job("flights_hourly", "2013010101").usual == Usual(120.0, 120.0, 1)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "under 1 s"), (45, "45 s"), (89, "89 s"), (180, "3 min"), (18_720, "5.2 h"), (259_200, "3.0 d")]
)
def test_durations_are_said_as_people_say_them(seconds: float, text: str) -> None:
    assert span_text(seconds) == text


def test_the_plan_on_the_terminal_tells_what_each_step_and_the_whole_will_take(capsys: pytest.CaptureFixture[str]) -> None:
    lamp = Lamp(january())
    lamp.run()
    terminal = Terminal(LampRoof(lamp), capsys)
    assert terminal.run("plan", "reprocess", "flights_hourly", "2013010105") == 0
    assert "under 1 s" in terminal.out
    assert "runs for about under 1 s" not in terminal.out
    assert "the longest chain in it takes under 1 s" in terminal.out
    told = terminal.json("plan", "reprocess", "flights_hourly", "2013010105")
    assert [step["expected_s"] for step in told["steps"]] == [0.0, 0.0]
    assert told["expected"] == {"seconds": 0.0, "chain_s": 0.0, "slots": 2, "unknown": []}


def test_the_plan_says_where_there_is_no_history(capsys: pytest.CaptureFixture[str]) -> None:
    lamp = Lamp(january())
    lamp.turn()
    lamp.work(*hours(1))
    terminal = Terminal(LampRoof(lamp), capsys)
    assert terminal.run("plan", "reprocess", "flights_hourly", "2013010100") == 0
    assert "no history" not in terminal.out
    lamp.give("hold", "flights_daily", "2013010100")
    assert terminal.run("plan", "release", "flights_daily", "2013010100") == 0
    assert "how long it takes can't be said: no history of flights_daily" in terminal.out
