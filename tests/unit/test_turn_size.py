"""How large may one turn become? A turn is one record, which a server takes up to so many bytes: what is more waits for the next one."""

from __future__ import annotations

from typing import Any

import pytest

from db.documents import encode_turn
from scheduler.plans import MOST_BYTES
from scheduler.policy import SchedulerSettings
from system.lifecycle import JobState
from tests.support.contexts import managed
from tests.support.lamp import Lamp, january

LOOKS = 50


def sizes(lamp: Lamp) -> list[int]:
    """Return how many jobs each turn holds."""
    return [len(turn.jobs) for turn in lamp.store.turns_after(0, 10_000)]


def states(lamp: Lamp) -> list[tuple[str, int, bytes]]:
    """Return the state of each period."""
    chunks = lamp.store.chunks(sorted(lamp.context.managed))
    return sorted((chunk.process, chunk.first, chunk.states) for chunk in chunks)


def settled(lamp: Lamp) -> Lamp:
    """Let the engine do rounds until it waits for time alone."""
    for _ in range(500):
        if lamp.turn() > 0:
            return lamp
    raise AssertionError("it never comes to rest")


def small(looks: int) -> SchedulerSettings:
    return SchedulerSettings(looks=looks)


def chain(looks: int) -> Lamp:
    """Return a lamp with a fortnight of hours that are not caught up, each of them closed after the one before it."""
    return settled(Lamp(january(("hourly", "daily"), days=14, in_order=True, catchup="none"), small(looks)))


def test_a_chain_of_periods_that_are_not_caught_up_takes_several_turns_and_ends_as_in_one() -> None:
    assert max(sizes(chain(1_000_000))) == 14 * 25
    lamp = chain(LOOKS)
    assert max(sizes(lamp)) <= 2 * LOOKS
    assert states(lamp) == states(chain(1_000_000))
    assert lamp.engine.second_look_found == 0


def cascade(looks: int) -> Lamp:
    """Return a lamp with a fortnight of hours on each of which four others depend, one by one."""
    fields: dict[str, Any] = {"start": "2013010100", "end": "2013011500", "lag_s": 0.0, "blocking_type": "blocking_dependencies"}
    processes = [managed(f"{name}_hourly", **fields) for name in ("flights", "delays", "costs", "claims", "refunds")]
    lamp = Lamp(processes, small(looks), delays=["flights"], costs=["delays"], claims=["costs"], refunds=["claims"])
    return settled(lamp)


def test_what_a_skip_leads_to_takes_several_turns_and_ends_as_in_one() -> None:
    lamp, at_once = cascade(LOOKS), cascade(1_000_000)
    head = lamp.engine.head
    for each in (lamp, at_once):
        each.give("skip", "flights_hourly", "2013010100", "2013010300")  # they are requested, and end before anybody follows
        each.sweep()
    assert states(settled(lamp)) == states(settled(at_once))
    assert lamp.state("refunds_hourly", "2013010223") is JobState.SKIPPED
    assert max(sizes(lamp)[head:]) <= 2 * 48 + LOOKS  # what ended, and what is requested in its place


def test_who_takes_over_in_the_middle_of_a_chain_brings_it_to_its_end() -> None:
    lamp = Lamp(january(("hourly",), days=14, in_order=True, catchup="none"), small(LOOKS))
    lamp.turn(3)
    assert lamp.state("flights_hourly", "2013011423") is JobState.EMBRYO
    lamp.store.close_sessions(["scheduler-1"])
    lamp.engine = lamp.another_engine("scheduler-2")
    settled(lamp)
    assert lamp.state("flights_hourly", "2013011423") is JobState.NOOP


@pytest.mark.parametrize("verb", ["hold", "skip"])
def test_commands_that_came_at_once_are_carried_out_in_as_many_turns_as_they_need(verb: str) -> None:
    lamp = Lamp(january(("hourly",), days=14, is_on=False), small(LOOKS))
    lamp.turn()
    numbers = [
        lamp.desk.give(verb, "flights_hourly", f"201301{day:02}00", "ann", "test", until=f"201301{day + 3:02}00") for day in (1, 4, 7, 10)
    ]
    settled(lamp)
    assert [lamp.desk.answer(number).state for number in numbers] == ["done"] * 4
    assert max(sizes(lamp)) == 72


def test_small_commands_that_came_at_once_share_a_turn() -> None:
    lamp = Lamp(january(("hourly",), is_on=False), small(LOOKS))
    lamp.turn()
    for hour in range(20):
        lamp.desk.give("hold", "flights_hourly", f"20130101{hour:02}", "ann", "test")
    lamp.turn()
    assert max(sizes(lamp)) == 20


@pytest.mark.parametrize("why", ["w" * 1_000, "ы" * 200], ids=["long", "of letters that take six bytes each"])
def test_a_command_whose_reason_would_make_its_turn_too_large_is_refused(why: str) -> None:
    lamp = Lamp(january(("hourly",), end="2014010100", is_on=False))
    lamp.turn()
    numbers = [lamp.desk.give("hold", "flights_hourly", "2013010100", "ann", why, until=until) for until in ("2014010100", "2013070100")]
    lamp.turn(2)
    answers = [lamp.desk.answer(number) for number in numbers]
    assert [answer.state for answer in answers] == ["refused", "done"]
    assert "too many for so long a reason" in answers[0].answer
    (turn,) = lamp.store.turns_after(lamp.engine.head - 1, 1)
    assert len(encode_turn(turn)) < MOST_BYTES
