"""Does a desk that stands still answer all questions of one page as of one turn, and look again afterwards? And are counts counted anew?"""

from __future__ import annotations

from bench.history import Counted
from db.memory import MemoryStore
from mq.memory import MemoryBroker
from scheduler.desk import Desk
from scheduler.policy import SchedulerSettings
from scheduler.timetable import States
from system.clock import ManualClock
from system.context import Context, managed_context_entry, timetable_tree_entry
from system.lifecycle import JobState

PROCESS = managed_context_entry("a_hourly", "a.b", "a", "_hourly", start="2013010100")
CONTEXT = Context((PROCESS,), {"a": timetable_tree_entry("a", ["a_hourly"])})


def test_the_store_is_looked_at_once_while_the_desk_stands_still() -> None:
    store = Counted(MemoryStore())
    desk = Desk(store, MemoryBroker(), CONTEXT, ManualClock(), SchedulerSettings())  # type: ignore[arg-type]
    desk.read()
    store.calls.clear()
    with desk.standing_still():
        for _ in range(5):
            desk.read()
    assert store.calls["turns_after"] == 1
    desk.read()
    assert store.calls["turns_after"] == 2


def test_counts_of_a_long_span_follow_each_change() -> None:
    states = States(PROCESS, "2013010100")
    low, high = states.first, states.first + 5_000
    assert states.counts(low, high)[JobState.EMBRYO] == 5_000
    states[low + 7] = JobState.PROCESSED
    found = states.counts(low, high)
    assert (found[JobState.EMBRYO], found[JobState.PROCESSED]) == (4_999, 1)
    found[JobState.PROCESSED] = 9
    assert states.counts(low, high)[JobState.PROCESSED] == 1
    states.load(states.chunk(states.qualifier.chunk_of(low) + 1, 1))
    assert states.counts(low, high)[JobState.PROCESSED] == 1
