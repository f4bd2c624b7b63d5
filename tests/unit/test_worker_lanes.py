"""Does a worker take live work before backfill, and keep its share of the slots for it?"""

from __future__ import annotations

from mq.broker import Message
from mq.memory import MemoryBroker
from system.lifecycle import UowState
from tests.support.builders import uow
from tests.support.workplace import BACKFILL_QUEUE, QUEUE, Workplace, taking
from workers.slots import Ending, Task


def both(place: Workplace, live: int, backfill: int) -> tuple[list[str], list[str]]:
    """Open units of work in both lanes, backfill first, and return their ids."""
    place.has_backfill = True
    found: dict[str, list[str]] = {QUEUE: [], BACKFILL_QUEUE: []}
    for hour, queue in enumerate([BACKFILL_QUEUE] * backfill + [QUEUE] * live):
        period, after = f"20240101{hour:02}", f"20240101{hour + 1:02}"
        one = uow(f"flights_hourly/{period}/1/1", start_timeperiod=period, end_timeperiod=after, queue=queue)
        place.project(opened=[one])
        MemoryBroker.publish(place.broker, [Message(queue, one.id)])
        found[queue].append(one.id)
    return found[QUEUE], found[BACKFILL_QUEUE]


def test_live_work_is_taken_first_even_where_backfill_came_before() -> None:
    place = Workplace(taking(1.0), size=2)
    live, backfill = both(place, 3, 3)
    place.turn()
    assert place.slots.running == live[:2]
    place.go_on(1.0)
    assert sorted(place.slots.running) == sorted([live[2], backfill[0]])


def test_a_message_that_is_said_twice_lets_no_backfill_overtake() -> None:
    place = Workplace(taking(1.0), size=2)
    live, _ = both(place, 1, 1)
    MemoryBroker.publish(place.broker, [Message(QUEUE, live[0]), Message(QUEUE, "nonsense")])
    more = place.open(20)
    place.turn()
    assert place.slots.running == [*live, *more]


def test_backfill_leaves_a_slot_to_live_work_that_comes_later() -> None:
    place = Workplace(taking(60.0), size=2, kept_for_live=1)
    _, backfill = both(place, 0, 3)
    place.turn()
    assert place.slots.running == backfill[:1]
    live = place.open(20)
    place.turn()
    assert place.slots.running == [backfill[0], *live]


def test_a_slot_that_is_kept_makes_no_worker_restless() -> None:
    place = Workplace(taking(60.0), size=2, kept_for_live=1)
    both(place, 0, 5)
    place.turn()
    assert place.turn() > 0
    assert [place.state("flights_hourly/2024010101/1/1"), place.broker.depths([BACKFILL_QUEUE])[BACKFILL_QUEUE]] == [UowState.REQUESTED, 4]


def test_a_worker_with_one_slot_does_both_live_work_first() -> None:
    place = Workplace(taking(1.0), size=1)
    live, backfill = both(place, 1, 1)
    place.turn()
    assert place.slots.running == live
    place.go_on(1.0)
    assert place.slots.running == backfill


def test_live_work_may_have_all_slots() -> None:
    place = Workplace(taking(60.0), size=3, kept_for_live=1)
    live, _ = both(place, 4, 2)
    place.turn()
    assert place.slots.running == live[:3]


def test_messages_of_both_lanes_are_acknowledged_each_to_its_own_consumer() -> None:
    place = Workplace(taking(1.0), size=4)
    both(place, 2, 2)
    place.turn()
    place.worker.disconnect()
    assert place.broker.depths([QUEUE, BACKFILL_QUEUE]) == {QUEUE: 0, BACKFILL_QUEUE: 0}


def test_a_worker_that_is_busy_for_a_while_lets_others_have_what_comes() -> None:
    place = Workplace(taking(1.0), size=1)
    place.open(2)
    place.turn()
    assert dict(place.broker.rests) == {QUEUE: 1}


def test_a_worker_that_will_be_busy_with_what_it_claims_lets_others_have_the_rest_before_it_claims() -> None:
    rests_at_start: list[int] = []

    def plan(task: Task) -> tuple[float, Ending, int | None]:
        rests_at_start.append(place.broker.rests[QUEUE])
        return taking(1.0)(task)

    place = Workplace(plan, size=1)
    place.open(2, 3)
    place.turn()  # how long it will take is not known yet
    place.clock.sleep(1.0)
    place.turn()
    assert rests_at_start == [0, 2]


def test_a_worker_that_will_have_room_in_a_moment_keeps_what_comes() -> None:
    place = Workplace(taking(0.01), size=1)
    place.open(2)
    place.turn()
    assert dict(place.broker.rests) == {}


def test_a_worker_with_room_for_live_work_hands_on_backfill_alone() -> None:
    place = Workplace(taking(60.0), size=2, kept_for_live=1)
    both(place, 0, 2)
    place.turn()
    assert dict(place.broker.rests) == {BACKFILL_QUEUE: 1}


def test_a_broker_that_fails_while_it_is_told_is_connected_to_again() -> None:
    place = Workplace(taking(1.0), size=1)
    place.open(1)
    place.turn()
    place.broker.is_away = True
    place.turn()
    place.broker.is_away = False
    uow_id = place.open(1)[0]
    place.go_on(5.0)
    assert place.state(uow_id) is UowState.PROCESSED
