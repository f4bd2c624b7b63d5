"""Does a job's log say what happened, in order, who did it and why, from whatever is left of its records?"""

from __future__ import annotations

from typing import Any

import pytest

from scheduler.events import LogEntry, log_of, told
from system.lifecycle import JobState, UowEvent, UowState
from tests.support import builders
from tests.support.lamp import Lamp, hours, january

HOUR = "flights_hourly", "2013010100"
UOW = hours(1)[0]


def hour(**fields: Any) -> Lamp:
    """Return a lamp whose only hour is requested."""
    lamp = Lamp(january(("hourly",), end="2013010101", **fields))
    lamp.turn()
    return lamp


def log(lamp: Lamp, limit: int = 100) -> list[LogEntry]:
    """Return the log of the first hour."""
    return lamp.desk.log(*HOUR, limit)


def whats(lamp: Lamp) -> list[str]:
    """Return the kinds of the log's entries."""
    return [entry.what for entry in log(lamp)]


def fail(lamp: Lamp, reason: str = "no disk") -> None:
    """Let an attempt fail, and the engine see it."""
    lamp.clock.sleep(1)
    lamp.finish(lamp.claim(*lamp.requested())[0], UowEvent.FAILED, reason=reason)
    lamp.turn()


def test_a_plain_life_keeps_no_events_and_is_told_all_the_same() -> None:
    lamp = hour()
    lamp.run()
    assert lamp.store.events(*HOUR, 10) == []
    assert [(e.what, e.who) for e in log(lamp)] == [
        ("requested", "scheduler"), ("started", "worker-1"), ("ended", "worker-1"), ("processed", "scheduler"),
    ]


def test_what_has_not_begun_has_no_log() -> None:
    assert Lamp(january(days=2)).desk.log("flights_daily", "2013010200", 10) == []


def test_each_failure_is_told_with_its_reason_and_each_new_attempt() -> None:
    lamp = hour()
    for reason in ("no disk", "no net"):
        fail(lamp, reason)
        lamp.clock.sleep(60)
        lamp.turn()
    lamp.run()
    told_of = [(e.what, e.text) for e in log(lamp) if e.what in ("failed", "retried")]
    assert told_of == [
        ("failed", f"{UOW}: no disk"), ("retried", UOW), ("failed", f"{UOW}: no net"), ("retried", UOW),
    ]
    assert log(lamp)[-2].text == f"{UOW}: processed"


def test_a_hold_after_failures_and_a_release_say_who_and_why() -> None:
    lamp = hour(max_attempts=1, on_failure="hold")
    fail(lamp)
    lamp.clock.sleep(1)
    lamp.give("release", *HOUR)
    found = [(e.what, e.who, e.text) for e in log(lamp)][-3:]
    assert found[0] == ("held", "scheduler", "1 attempt failed, last: no disk")
    assert ("release", "ann", "test") in found


def test_a_lost_worker_is_told() -> None:
    lamp = hour()
    lamp.claim(UOW)
    lamp.store.close_sessions(["worker-1"])
    lamp.sweep()
    assert ("lost", f"{UOW}: worker of session worker-1 was lost") in [(e.what, e.text) for e in log(lamp)]


def test_a_reprocess_tells_how_it_was_and_of_whom() -> None:
    lamp = hour()
    lamp.run()
    lamp.clock.sleep(5)
    lamp.give("reprocess", *HOUR)
    lamp.clock.sleep(5)
    lamp.run()
    assert whats(lamp) == ["requested", "started", "ended", "processed", "reprocess", "requested", "started", "ended", "processed"]
    assert [(e.who, e.text) for e in log(lamp) if e.what == "reprocess"] == [("ann", "test")]


def test_what_a_command_touched_beside_what_it_named_says_so() -> None:
    lamp = Lamp(january())
    lamp.run()
    lamp.clock.sleep(5)
    lamp.give("reprocess", *HOUR)
    (entry,) = (e for e in lamp.desk.log("flights_daily", "2013010100", 99) if e.what == "reprocess")
    assert entry.text == "test (given for flights_hourly 2013010100)"


def test_a_reprocess_of_what_runs_tells_when_it_was_opened_anew() -> None:
    lamp = hour()
    (claimed,) = lamp.claim(UOW)
    lamp.clock.sleep(1)
    lamp.give("reprocess", *HOUR)
    lamp.clock.sleep(1)
    lamp.finish(claimed, UowEvent.CANCELED, reason="ended")
    lamp.turn()
    assert [e.what for e in log(lamp) if e.what.startswith("re")] == ["requested", "reprocess", "reopened", "requested"]


@pytest.mark.parametrize("verb", ["skip", "cancel", "hold"])
def test_a_command_is_told_once(verb: str) -> None:
    lamp = Lamp(january())
    lamp.turn()
    lamp.give(verb, "flights_daily" if verb == "hold" else HOUR[0], HOUR[1])
    lamp.turn()
    found = lamp.desk.log("flights_daily" if verb == "hold" else HOUR[0], HOUR[1], 99)
    assert [(e.who, e.text) for e in found if e.what == verb] == [("ann", "test")]
    assert not any(e.what == "held" for e in found)


def test_the_last_entries_are_kept_where_there_are_too_many() -> None:
    lamp = hour()
    lamp.run()
    assert [e.what for e in log(lamp, 2)] == ["ended", "processed"]


def test_entries_come_by_their_time() -> None:
    uows = [builders.uow(state=UowState.PROCESSED, opened_at=builders.NOW.replace(hour=h), fence=1) for h in (9, 7)]
    assert [e.at.hour for e in log_of(None, uows, ())] == [7, 9]


def test_the_final_run_of_an_open_period_and_its_recall_are_told() -> None:
    running, final = builders.job(run=1), builders.job(state=JobState.FINAL_RUN, run=1)
    assert told(running, final) == ("final_run", "")
    assert told(final, running) == ("in_progress", "")
    assert told(None, running) is None
