"""What does a desk tell of the last hour? Only what it knows, minute by minute."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from db.memory import MemoryStore
from db.model import Turn
from scheduler import recent as recent_module
from scheduler.recent import Minute, Recent
from scheduler.timetable import Timetable
from system.lifecycle import JobState, UowState
from tests.support.builders import NOW, job, turn
from tests.support.contexts import context_of

LATER = NOW + timedelta(minutes=10)


def opened(at: datetime = NOW) -> Turn:
    return turn(1, jobs=[job(uow_state=UowState.REQUESTED)], decided_at=at)


def ended(at: datetime = LATER) -> Turn:
    return turn(2, jobs=[job(state=JobState.PROCESSED, uow_state=UowState.PROCESSED)], decided_at=at)


def followed(*turns: Turn, head: int = 0) -> Recent:
    """Return what a desk knows that saw `turns` come, over a store that had `head` turns before: then one unit of work is open already."""
    table = Timetable(context_of({"flights": ["hourly"]}), "2024010100")
    table.head = head
    if head:
        table.put(job("2024010106", uow_state=UowState.REQUESTED))
    recent = Recent(table)
    for made in turns:
        recent.take(made, table)
        for moved in made.jobs:
            table.put(moved)
    return recent


def minute_of(recent: Recent, at: datetime) -> Minute:
    (found,) = [minute for minute in recent.minutes(LATER) if minute.at == at.replace(second=0, microsecond=0)]
    return found


def test_an_hour_has_sixty_minutes_the_oldest_first() -> None:
    minutes = followed(opened()).minutes(LATER)
    assert [minute.at for minute in minutes] == [LATER.replace(second=0) - timedelta(minutes=59 - n) for n in range(60)]


def test_what_was_finished_stands_in_its_minute() -> None:
    recent = followed(opened(), ended())
    assert (minute_of(recent, LATER).processed, minute_of(recent, NOW).processed) == (1, 0)


def test_what_was_open_is_counted_back_from_now() -> None:
    recent = followed(opened(), ended())
    assert [minute_of(recent, at).open for at in (NOW - timedelta(minutes=1), NOW, LATER - timedelta(minutes=1), LATER)] == [0, 1, 1, 1]


def test_nothing_is_said_of_minutes_before_the_first_that_is_known() -> None:
    recent = followed(opened(LATER), head=7)
    assert recent.known_from(LATER) == LATER
    assert (minute_of(recent, NOW).open, minute_of(recent, LATER).open) == (0, 2)


@pytest.mark.parametrize("most", [2, 3])
def test_what_is_looked_back_at_never_pushes_out_what_came_later(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where there is no room at all: then looking back finds nothing."""
    monkeypatch.setattr(recent_module, "_MOST", most)

    class Before(MemoryStore):
        def turns_after(self, number: int, limit: int) -> list[Turn]:
            return [turn(n, decided_at=NOW) for n in range(number + 1, number + limit + 1)]

    recent = followed(ended(LATER), ended(LATER), head=7)
    recent.look_back(Before(), LATER)
    assert minute_of(recent, LATER).processed == 2
    assert len(recent._seen) == most
