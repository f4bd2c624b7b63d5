"""Has the simulation teeth where entries fire? With each safeguard of theirs switched off, a violation is found within 300 histories."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from db.entries import Entry, Run
from db.memory import MemoryStore
from db.model import Turn, UnitOfWork
from scheduler import freerun, freerun_commands
from scheduler.freerun import Due, Rules
from scheduler.freerun_board import FreerunBoard, Key
from system.overlap import Overlap
from tests.support.simulation_plan import Plan
from tests.support.simulation_search import first_wrong, seeds_with
from workers import tasks

Patch = Callable[[pytest.MonkeyPatch], None]


def without_counting_what_was_missed(patch: pytest.MonkeyPatch) -> None:
    due = freerun.due

    def punctual(rules: Rules, since: datetime, now: datetime, here_since: datetime) -> Due | None:
        found = due(rules, since, now, here_since)
        return found and Due(found.fires)

    patch.setattr(freerun, "due", punctual)


def without_what_was_missed_before_a_take_over(patch: pytest.MonkeyPatch) -> None:
    take_up = FreerunBoard.take_up

    def from_now_on(self: FreerunBoard, uows: list[UnitOfWork]) -> None:
        for key, entry in self._timetable.entries.items():
            self._timetable.entries[key] = replace(entry, since=max(entry.since, self.draft.now))
        take_up(self, uows)

    patch.setattr(FreerunBoard, "take_up", from_now_on)


def without_what_was_due_before_a_command(patch: pytest.MonkeyPatch) -> None:
    found = freerun_commands._found

    def as_it_stands(command: object, board: object) -> object:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(FreerunBoard, "catch_up", lambda self, key: None)
            return found(command, board)  # type: ignore[arg-type]

    patch.setattr(freerun_commands, "_found", as_it_stands)


def without_overlap(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(freerun, "may_open", lambda entry, overlap: bool(entry.waiting))


def without_a_bound_of_what_waits(patch: pytest.MonkeyPatch) -> None:
    def take(entry: Entry, fire: str, overlap: Overlap) -> Entry:
        return replace(entry, waiting=(*entry.waiting, fire))

    patch.setattr(freerun, "arrived", take)


def without_an_end_of_what_is_replaced(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(freerun, "to_end", lambda entry, overlap: ())


def without_runs_that_another_leader_opened(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(FreerunBoard, "uow_ids", lambda self: [])


def without_another_attempt(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(freerun, "is_owed_attempt", lambda run: False)


def without_giving_up_what_is_lost_too_often(patch: pytest.MonkeyPatch) -> None:
    ended = freerun.ended

    def never(entry: Entry, run: Run, state: object, reason: str, now: datetime, *, is_failure: bool = False) -> Entry:
        return entry if is_failure else ended(entry, run, state, reason, now)  # type: ignore[arg-type]

    patch.setattr(freerun, "ended", never)


def without_arguments_of_their_own(patch: pytest.MonkeyPatch) -> None:
    latest: dict[str, object] = {}

    def shared(of_process: dict[str, object], overlay: str) -> dict[str, object]:
        latest.update(of_process or {}, **(json.loads(overlay) if overlay else {}))
        return latest

    patch.setattr(tasks, "_arguments", shared)


def without_switches(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(freerun, "goes_by", lambda rules: rules.process.trigger_frequency if rules else "")
    catch_up = FreerunBoard.catch_up

    def anyhow(self: FreerunBoard, key: Key) -> int:
        if (rules := self.rules(key)) is not None:
            self._rules[key] = replace(rules, process=replace(rules.process, is_on=True))
        return catch_up(self, key)

    patch.setattr(FreerunBoard, "catch_up", anyhow)


def without_projected_entries(patch: pytest.MonkeyPatch) -> None:
    project = MemoryStore.project
    patch.setattr(MemoryStore, "project", lambda self, turn, chunks: project(self, _without_entries(turn), chunks))


def _without_entries(turn: Turn) -> Turn:
    return replace(turn, entries=()) if turn.number % 5 == 0 else turn


TEETH = [
    without_counting_what_was_missed,
    without_what_was_missed_before_a_take_over,
    without_what_was_due_before_a_command,
    without_overlap,
    without_a_bound_of_what_waits,
    without_an_end_of_what_is_replaced,
    without_runs_that_another_leader_opened,
    without_another_attempt,
    without_giving_up_what_is_lost_too_often,
    without_arguments_of_their_own,
    without_switches,
    without_projected_entries,
]


def fires(plan: Plan) -> bool:
    return bool(plan.context.freerun)


@pytest.mark.parametrize("switch_off", TEETH, ids=lambda patch: patch.__name__)
def test_a_safeguard_of_entries_that_is_switched_off_is_missed(switch_off: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    switch_off(monkeypatch)
    assert first_wrong(seeds_with(fires))


def test_alarms_that_come_late_are_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    next_alarm = FreerunBoard.next_alarm

    def late(self: FreerunBoard) -> datetime | None:
        moment = next_alarm(self)
        return moment and moment + timedelta(seconds=0.5)

    monkeypatch.setattr(FreerunBoard, "next_alarm", late)
    assert "s late at" in first_wrong(seeds_with(lambda plan: fires(plan) and not plan.kinds))
