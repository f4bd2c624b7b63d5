"""Do virtual slots behave as the port says, and tell the truth about when attempts ran? The simulation judges by them."""

from __future__ import annotations

from system.clock import ManualClock
from tests.support.virtual_slots import VirtualSlots
from tests.support.workplace import taking
from workers.slots import Ended, Ending, Task


def task(name: str, fence: int = 1) -> Task:
    return Task(name, fence, "p", "2024010101", "_hourly", "2024010101", "2024010102", "", "")


def slots_of(clock: ManualClock, duration_s: float = 10.0, size: int = 1, *, ignore_deadline: bool = False, ahead: int = 0) -> VirtualSlots:
    made = VirtualSlots(size, clock, taking(duration_s), ahead=ahead, ignore_deadline=ignore_deadline)
    made.extend(100.0)
    return made


def endings(slots: VirtualSlots) -> dict[str, Ending]:
    return {found.uow_id: found.ending for found in slots.ended()}


def test_an_attempt_ends_when_its_time_is_over_and_is_told_of_once() -> None:
    clock = ManualClock()
    slots = slots_of(clock)
    slots.start(task("a"))
    clock.sleep(9.9)
    assert slots.ended() == []
    clock.sleep(0.1)
    assert slots.ended() == [Ended("a", 1, Ending.DONE, 7)]
    assert slots.ended() == []


def test_what_waits_starts_the_moment_a_slot_is_free_however_late_someone_looks() -> None:
    clock = ManualClock()
    slots = slots_of(clock, ahead=1)
    slots.start(task("a"))
    slots.start(task("b"))
    assert slots.room() == 0
    clock.sleep(50.0)
    assert [(mark.uow_id, mark.start_s, mark.end_s) for mark in slots.finished()] == [("a", 0.0, 10.0), ("b", 10.0, 20.0)]


def test_slots_are_busy_until_the_first_attempt_ends() -> None:
    clock = ManualClock()
    slots = slots_of(clock)
    assert slots.busy_s() == 0.0
    slots.start(task("a"))
    clock.sleep(3.0)
    assert slots.busy_s() == 7.0


def test_slots_tell_how_busy_they_will_be_with_what_is_about_to_start() -> None:
    clock = ManualClock()
    slots = slots_of(clock)
    assert slots.busy_s(then=["p"]) == 0.0
    slots.start(task("a"))
    clock.sleep(10.0)
    slots.ended()
    assert (slots.busy_s(), slots.busy_s(then=["p"])) == (0.0, 10.0)


def test_nothing_runs_beyond_the_deadline_and_nothing_starts_after_it() -> None:
    clock = ManualClock()
    slots = slots_of(clock, 500.0, ahead=2)
    slots.start(task("a"))
    slots.start(task("b"))
    clock.sleep(300.0)
    slots.start(task("c"))
    assert endings(slots) == {"a": Ending.ENDED, "b": Ending.NOT_STARTED, "c": Ending.NOT_STARTED}
    assert [(mark.end_s, mark.ending) for mark in slots.marks] == [(100.0, Ending.ENDED)]


def test_a_deadline_that_has_passed_is_not_undone_by_a_later_extend() -> None:
    clock = ManualClock()
    slots = slots_of(clock, 500.0)
    slots.start(task("a"))
    clock.sleep(300.0)
    slots.extend(900.0)
    assert (slots.marks[0].end_s, slots.room()) == (100.0, 1)


def test_with_the_deadline_ignored_attempts_run_on() -> None:
    clock = ManualClock()
    slots = slots_of(clock, 500.0, ignore_deadline=True)
    slots.start(task("a"))
    clock.sleep(600.0)
    assert endings(slots) == {"a": Ending.DONE}
    assert slots.marks[0].end_s == 500.0


def test_an_attempt_that_is_ended_takes_as_long_as_it_needs_to_end() -> None:
    clock = ManualClock()
    slots = VirtualSlots(1, clock, taking(60.0), ending_s=5.0)
    slots.extend(100.0)
    slots.start(task("a"))
    slots.end("a", 1, "canceled")
    assert slots.running == ["a"]
    clock.sleep(5.0)
    assert slots.ended() == [Ended("a", 1, Ending.ENDED, reason="canceled")]


def test_an_attempt_that_ends_by_itself_before_it_is_killed_keeps_its_own_end() -> None:
    clock = ManualClock()
    slots = VirtualSlots(1, clock, taking(3.0), ending_s=5.0)
    slots.extend(100.0)
    slots.start(task("a"))
    slots.end("a", 1, "canceled")
    clock.sleep(5.0)
    assert endings(slots) == {"a": Ending.DONE}


def test_only_the_attempt_with_that_fence_is_ended() -> None:
    clock = ManualClock()
    slots = slots_of(clock)
    slots.start(task("a", fence=2))
    slots.end("a", 1, "canceled")
    assert slots.running == ["a"]


def test_all_end_at_once_on_demand() -> None:
    clock = ManualClock()
    slots = slots_of(clock, size=2)
    slots.start(task("a"))
    slots.start(task("b"))
    clock.sleep(1.0)
    slots.end_all("lost")
    assert [mark.end_s for mark in slots.marks] == [1.0, 1.0]
    assert endings(slots) == {"a": Ending.ENDED, "b": Ending.ENDED}


def test_a_worker_that_dies_takes_its_attempts_along_and_tells_nothing() -> None:
    clock = ManualClock()
    slots = slots_of(clock)
    slots.start(task("a"))
    clock.sleep(4.0)
    slots.kill()
    clock.sleep(100.0)
    assert (slots.marks[0].end_s, slots.marks[0].ending, slots.ended(), slots.room()) == (4.0, None, [], 0)


def test_the_next_moment_of_interest_is_known() -> None:
    clock = ManualClock()
    slots = slots_of(clock, 10.0)
    assert slots.next_s() is None
    slots.start(task("a"))
    assert slots.next_s() == 10.0
    slots.extend(5.0)
    assert slots.next_s() == 5.0
