"""Can one stored command stop the scheduler? A round that fails over it is its last one, and other work goes on."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from db.model import Chunk, Command, Turn
from scheduler.commands import VERBS
from scheduler.engine import Engine
from scheduler.plans import PLANNERS
from scheduler.suspects import Suspects
from scheduler.switching import VERBS as SWITCHING
from scheduler.timetable import Node, Timetable, ordinal_of
from system.errors import StoreError, TimeperiodError, Unavailable
from system.lifecycle import JobState
from system.timeperiod import HOURLY, QUALIFIERS, parse
from tests.support.contexts import managed
from tests.support.lamp import NOW, Lamp, january

HOUR = "flights_hourly/2013010100/1/1"
LEVELS = ("hourly", "daily", "monthly", "yearly")


def last_period(qualifier_name: str) -> str:
    """Return the last id of a qualifier that is taken for a period."""
    qualifier = QUALIFIERS[qualifier_name]
    texts = (qualifier.template.format(9999, month, day, hour) for month in (12, 11) for day in (31, 30) for hour in (23, 22))
    years = (qualifier.template.format(year, 1, 1, 0) for year in (9999, 9998))
    for text in (*texts, *years):
        try:
            return parse(qualifier, text).id
        except TimeperiodError:
            continue
    raise AssertionError(qualifier_name)


def turns(engine: Engine, count: int) -> int:
    """Let an engine do rounds as its service does, which goes on after a failure; returns how many failed."""
    failed = 0
    for _ in range(count):
        try:
            engine.turn(NOW)
        except Exception:  # noqa: BLE001  whatever it is, the service goes on
            failed += 1
    return failed


@pytest.mark.parametrize("grouping", [1, 7])
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in SWITCHING])
def test_the_last_period_of_the_calendar_is_answered_and_other_work_settles(verb: str, level: str, grouping: int) -> None:
    starts = {"hourly": "2019120100", "daily": "2019120100", "monthly": "2019120000", "yearly": "2019000000"}
    groupings = {level: grouping} if level in ("hourly", "daily") else {}
    far = [managed(f"far_{each}", f"_{each}", start=start, time_grouping=groupings.get(each, 1)) for each, start in starts.items()]
    lamp = Lamp([*january(("hourly",), end="2013010101"), *far])
    lamp.turn()
    number = lamp.desk.tell(Command(verb, f"far_{level}", last_period(f"_{level}"), "ann", "test", NOW))
    lamp.finish(lamp.claim(HOUR)[0])
    assert turns(lamp.engine, 3) == 0
    assert lamp.desk.answer(number).state == "refused"
    assert lamp.state("flights_hourly", "2013010100") is JobState.PROCESSED


@pytest.mark.parametrize(
    ("name", "start"), [("_hourly", "2019120100"), ("_daily", "2019120100"), ("_monthly", "2019120000"), ("_yearly", "2019000000")]
)
def test_a_period_of_the_last_year_that_commands_take_is_carried_out(name: str, start: str) -> None:
    lamp = Lamp([managed("far", name, start=start, is_on=False)])
    timeperiod = QUALIFIERS[name].template.format(NOW.year + 100, 12, 31, 23)
    number = lamp.give("hold", "far", timeperiod)
    assert lamp.desk.answer(number).state == "done"


def poison(monkeypatch: pytest.MonkeyPatch, *bad: str) -> None:
    """Let every turn fail that touches one of these hours, when it is committed."""
    real = Timetable.chunks_of

    def chunks_of(self: Timetable, nodes: Iterable[Node], turn: int) -> list[Chunk]:
        found = list(nodes)
        if {("flights_hourly", ordinal_of(HOURLY, hour)) for hour in bad} & set(found):
            raise ValueError("year 10000 is out of range")
        return real(self, found, turn)

    monkeypatch.setattr(Timetable, "chunks_of", chunks_of)


def test_of_several_commands_those_that_turns_fail_over_are_refused_and_the_others_carried_out(monkeypatch: pytest.MonkeyPatch) -> None:
    lamp = Lamp(january(("hourly",), is_on=False))
    poison(monkeypatch, "2013010103", "2013010105")
    numbers = [lamp.desk.give("hold", "flights_hourly", f"20130101{hour:02}", "ann", "test") for hour in range(8)]
    assert turns(lamp.engine, 20) == 3
    answers = [lamp.desk.answer(number) for number in numbers]
    assert [answer.state for answer in answers] == ["done", "done", "done", "refused", "done", "refused", "done", "done"]
    assert "the scheduler failed over it" in answers[3].answer


@pytest.mark.parametrize("away", [False, True], ids=["at once", "after the store was away"])
def test_a_command_whose_turn_the_store_refuses_for_good_is_refused_and_other_work_goes_on(
    monkeypatch: pytest.MonkeyPatch, *, away: bool
) -> None:
    lamp = Lamp(january(("hourly",), max_in_flight=1))
    lamp.turn()
    real, absences = lamp.store.insert_turn, [Unavailable("away")] if away else []

    def insert_turn(turn: Turn) -> bool:
        if any(event.kind == "hold" for event in turn.events):
            raise absences.pop() if absences else StoreError("the store refused: DataError")
        return real(turn)

    monkeypatch.setattr(lamp.store, "insert_turn", insert_turn)
    number = lamp.desk.give("hold", "flights_hourly", "2013010103", "ann", "test")
    lamp.finish(lamp.claim(HOUR)[0])
    assert turns(lamp.engine, 10) == 1 + away
    assert "the scheduler failed over it" in lamp.desk.answer(number).answer
    assert lamp.state("flights_hourly", "2013010100") is JobState.PROCESSED


def test_an_error_of_ours_in_a_plan_is_no_reason_to_fail_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    lamp = Lamp(january(("hourly",)))

    def fail(*_: object) -> None:
        raise TimeperiodError("outside years 1 to 9999")

    monkeypatch.setitem(PLANNERS, "hold", fail)
    number = lamp.desk.give("hold", "flights_hourly", "2013010103", "ann", "test")
    assert turns(lamp.engine, 3) == 1
    assert lamp.desk.answer(number).state == "refused"


def test_who_is_blamed_for_what_fails_without_it_too_is_carried_out_after_all() -> None:
    suspects = Suspects()
    suspects.carries(1)
    suspects.failed()
    assert suspects.refused([1]) == [1]
    suspects.begin()
    suspects.failed()
    assert (suspects.refused([1]), suspects.carried_out([1])) == ([], [1])

