"""When does a leader let another one lead because its turns fail?"""

from __future__ import annotations

import pytest

from db.model import Session, Turn
from scheduler.service import SchedulerService
from scheduler.setbacks import MOST_FAILED, gives_way
from system.errors import StoreError
from tests.support.lamp import NOW, Lamp, january

OWN, OTHER = (Session(name, "scheduler", "box", 1, 0.0, NOW) for name in ("own", "other"))
WORKER = Session("worker", "worker", "box", 1, 0.0, NOW)


@pytest.mark.parametrize(
    ("failed", "is_beating", "sessions", "expected"),
    [
        (MOST_FAILED, True, [OWN, OTHER], True),
        (MOST_FAILED - 1, True, [OWN, OTHER], False),
        (MOST_FAILED, False, [OWN, OTHER], False),
        (MOST_FAILED, True, [OWN, WORKER], False),
    ],
)
def test_it_gives_way_after_some_rounds_where_its_beats_go_on_and_another_stands_by(
    failed: int, is_beating: bool, sessions: list[Session], expected: bool
) -> None:
    assert gives_way(failed, is_beating=is_beating, own="own", sessions=sessions) is expected


def test_to_take_over_once_more_between_rounds_that_fail_counts_for_nothing() -> None:
    def fail(board: object) -> bool:
        raise StoreError("this engine is ill")

    lamp = Lamp(january())
    lamp.turn()
    good = lamp.engine.turned_at
    lamp.engine._obey = fail  # type: ignore[method-assign]
    for number in range(3):
        lamp.clock.sleep(10)
        with pytest.raises(StoreError):
            lamp.engine.turn(lamp.clock.now())
        lamp.engine.turn(lamp.clock.now())
        assert (lamp.engine.leads, lamp.engine.failed_rounds, lamp.engine.turned_at) == (True, number + 1, good)


def test_a_turn_that_is_stored_and_then_refused_is_carried_on_once_that_is_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    def project(turn: Turn, chunks: object, on_requested: object) -> None:
        raise StoreError("the store refused: no right to write")

    lamp = Lamp(january(("hourly",), max_in_flight=1))
    lamp.turn()
    number = lamp.desk.give("hold", "flights_hourly", "2013010103", "ann", "test")
    with monkeypatch.context() as patch:
        patch.setattr(lamp.store, "project", project)
        for _ in range(3):
            with pytest.raises(StoreError, match=r"turn \d+ is in the store, which refuses .* no right to write"):
                lamp.engine.turn(lamp.clock.now())
    lamp.turn()
    assert lamp.desk.answer(number).state == "done"


def test_a_leader_knows_by_its_sweep_whether_another_one_stands_by() -> None:
    lamp = Lamp(january())
    found = [lamp.engine.has_standby]
    lamp.sweep()
    found.append(lamp.engine.has_standby)
    lamp.open_session("scheduler-2", kind="scheduler")
    lamp.sweep()
    found.append(lamp.engine.has_standby)
    lamp.store.close_sessions(["scheduler-2"])
    lamp.sweep()
    found.append(lamp.engine.has_standby)
    assert found == [True, False, True, False]


def test_a_scheduler_beats_often_only_while_it_leads_and_another_one_stands_by() -> None:
    lamp = Lamp(january())
    service = SchedulerService(lamp.store, lamp.broker, lamp.context, lamp.clock, lamp.settings, "box")
    found = [service._beat_s()]
    service._engine = lamp.engine
    found.append(service._beat_s())
    lamp.sweep()
    found.append(service._beat_s())
    assert found == [1.75, 0.75, 1.75]
