"""Has the simulation teeth where lanes and frequencies are? With each safeguard switched off, a violation is found within 300 histories."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from db.model import Switch
from scheduler.board import Board
from scheduler.timetable import States
from system.lanes import Lane
from system.schedule import parse_schedule
from tests.support.simulation_book import Book
from tests.support.simulation_faults import switchings
from tests.support.simulation_plan import Plan
from tests.support.simulation_search import first_wrong, seeds_with

Patch = Callable[[pytest.MonkeyPatch], None]


def without_live_work_first(patch: pytest.MonkeyPatch) -> None:
    def backfill_first(self: Board, looks: int) -> bool:
        looks = self.freerun.fill(looks)
        while lane := next((lane for lane in (Lane.BACKFILL, Lane.LIVE) if self._hungry[lane]), None):
            process = next(iter(self._hungry[lane]))
            looks = self._fill(process, lane, looks)
            if looks <= 0:
                return True
            del self._hungry[lane][process]
        return self.freerun.is_more()

    patch.setattr(Board, "fill", backfill_first)


def without_another_frequency(patch: pytest.MonkeyPatch) -> None:
    take = States.take

    def by_the_context(self: States, switch: Switch) -> None:
        take(self, switch)
        if self.process.is_live:
            self.schedule = parse_schedule(self.process.trigger_frequency)

    patch.setattr(States, "take", by_the_context)


def without_counting_from_the_change(patch: pytest.MonkeyPatch) -> None:
    switch = Board.switch

    def as_it_was(self: Board, found: Switch) -> None:
        before = {node: job for node, job in self.timetable.active.items() if node[0] == found.process}
        switch(self, found)
        for node, job in before.items():
            now = self.timetable.active[node]
            self.draft.put(replace(now, again_at=job.again_at, turn=self.draft.number))

    patch.setattr(Board, "switch", as_it_was)


@pytest.mark.parametrize("switch_off", [without_another_frequency, without_counting_from_the_change], ids=lambda patch: patch.__name__)
def test_a_frequency_that_is_not_in_force_is_missed(switch_off: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    def is_apt(plan: Plan) -> bool:
        commands = switchings(plan, Book(plan.context, 0.0).nodes)
        return any(command.verb == "frequency" and plan.context.managed[command.process].is_live for _, command in commands)

    switch_off(monkeypatch)
    found = first_wrong(seeds_with(is_apt))
    assert "is due by" in found or "waits for one of ['frequency']" in found


def test_backfill_that_is_requested_before_live_work_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    without_live_work_first(monkeypatch)
    assert "requested backfill" in first_wrong(seeds_with(lambda plan: "jump" not in plan.kinds))
