"""What does the log say of a turn?"""

from __future__ import annotations

from datetime import UTC, datetime

from db.model import Job, Turn, UnitOfWork
from scheduler.said import lines
from system.lifecycle import JobState

NOW = datetime(2013, 1, 1, tzinfo=UTC)


def job(hour: int, state: JobState, reason: str = "") -> Job:
    return Job("hours", f"20130101{hour:02}", state, NOW, 1, reason=reason)


def turn(*jobs: Job, opened: int = 0) -> Turn:
    uows = [UnitOfWork(f"hours/{n}/0/1", "hours", str(n), "q", "a", "b", opened_at=NOW, turn=1) for n in range(opened)]
    return Turn(1, "s", NOW, jobs, tuple(uows))


def test_what_was_requested_and_what_ended_stand_each_on_a_line() -> None:
    found = list(lines(turn(job(0, JobState.PROCESSED), job(1, JobState.IN_PROGRESS), job(2, JobState.PROCESSED), opened=2)))
    assert found == ["requested hours/0/0/1, hours/1/0/1", "state_processed: hours 2013010100, hours 2013010102"]


def test_what_ended_for_another_reason_stands_on_a_line_of_its_own() -> None:
    found = list(lines(turn(job(0, JobState.SKIPPED, "failed"), job(1, JobState.SKIPPED, "operator"))))
    assert found == ["state_skipped: hours 2013010100: failed", "state_skipped: hours 2013010101: operator"]


def test_a_line_names_at_most_a_hundred() -> None:
    assert [line.count("hours/") for line in lines(turn(opened=250))] == [100, 100, 50]


def test_a_turn_that_only_moves_something_says_nothing() -> None:
    assert list(lines(turn(job(0, JobState.IN_PROGRESS)))) == []
