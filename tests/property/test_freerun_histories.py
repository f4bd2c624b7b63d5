"""Is each fire made once, or counted as let go, whatever befalls scheduler and workers? And is nothing stuck in the end?"""

from __future__ import annotations

from datetime import timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.entries import Entry
from db.model import UnitOfWork
from scheduler.policy import SchedulerSettings
from system.context import FreerunProcess, freerun_context_entry
from system.cron import parse_cron
from system.fires import fire_id, fires_of
from system.lifecycle import UowEvent
from system.overlap import parse_overlap
from tests.support.clock_changes import ZONES, clock_changes, owed, window_around
from tests.support.lamp import Lamp

OVERLAPS = ("skip", "queue 1", "queue 4", "allow 2", "allow 5", "replace")
SCHEDULES = ("every 1", "every 7", "every 20", "every 45", "cron * * * * *")
SETTINGS = SchedulerSettings(window_least=3, window_per_slot=0, max_losses=1, lease_s=1e9, sweep_s=5.0)


class History:
    """A lamp in which luck decides what happens next. Notes which unit of work ran when, and how many of one entry at once."""

    def __init__(self, seed: int) -> None:
        self.luck = Random(seed)
        self.entries = {name: self._entry(name) for name in ("a", "b", "c", "d")}
        self.lamp = Lamp(list(self.entries.values()), SETTINGS)
        self.lamp.turn()
        self.since = {entry.name: entry.since for entry in self.lamp.store.entries()}
        self.claims: list[UnitOfWork] = []
        self.done: dict[str, int] = {}
        self.sessions = self.leaders = 1
        self.most: dict[str, int] = {}

    def _entry(self, name: str) -> FreerunProcess:
        luck = self.luck
        return freerun_context_entry(
            "load", name, "jobs.load", "load", luck.choice(SCHEDULES), overlap=luck.choice(OVERLAPS),
            misfire=luck.choice(("skip", "once", "all")), grace_s=luck.choice((0.0, 30.0, 3600.0)), max_attempts=luck.choice((1, 2)),
            backoff_s=0.1,
        )  # fmt: skip

    def play(self, steps: int) -> None:
        """Let so many things happen."""
        acts = (self.pass_time, self.pass_time, self.claim, self.claim, self.finish, self.finish, self.lose, self.fail_over, self.sleep)
        for _ in range(steps):
            self.luck.choice(acts)()

    def pass_time(self) -> None:
        self.lamp.pass_s(self.luck.choice((0.5, 3.0, 11.0)))

    def sleep(self) -> None:
        """Let nobody lead for a while."""
        self.lamp.clock.sleep(self.luck.choice((5.0, 40.0, 200.0)))

    def claim(self) -> None:
        fires = self.lamp.fires()
        ids = [f"{fire}/1" for fire in self.luck.sample(fires, min(len(fires), 2))]
        self.claims += self.lamp.claim(*ids, session=f"worker-{self.sessions}")
        for name in self.entries:
            count = sum(1 for uow in self.claims if uow.id.split("/")[1] == name)
            self.most[name] = max(count, self.most.get(name, 0))

    def finish(self) -> None:
        if not self.claims:
            return
        uow = self.claims.pop(self.luck.randrange(len(self.claims)))
        event = self.luck.choice((UowEvent.DONE, UowEvent.DONE, UowEvent.EMPTY, UowEvent.FAILED))
        if not self.lamp.finish(uow, event, report=self.luck.random() < 0.8):
            assert self.lamp.finish(uow, UowEvent.CANCELED)  # it was called off
        elif event is not UowEvent.FAILED:
            self.done[uow.id] = self.done.get(uow.id, 0) + 1

    def lose(self) -> None:
        """Let the worker vanish with all that it has."""
        self.lamp.store.close_sessions([f"worker-{self.sessions}"])
        self.claims.clear()
        self.sessions += 1
        self.lamp.open_session(f"worker-{self.sessions}", slots=2)

    def fail_over(self) -> None:
        """Let the leader vanish, between two of its turns, and another one lead."""
        store = self.lamp.store
        store.close_sessions([session.id for session in store.sessions() if session.kind == "scheduler"])
        self.leaders += 1
        self.lamp.engine = self.lamp.another_engine(f"scheduler-{self.leaders}")
        self.lamp.turn(2)

    def calm(self) -> None:
        """Let everything that was made come to its end; what was let go meanwhile counts on."""
        for _ in range(60):
            self.lamp.sweep()
            for uow in [*self.claims, *self.lamp.claim(*(f"{fire}/1" for fire in self.lamp.fires()), session=f"worker-{self.sessions}")]:
                if self.lamp.finish(uow):
                    self.done[uow.id] = self.done.get(uow.id, 0) + 1
                else:
                    self.lamp.finish(uow, UowEvent.CANCELED)
            self.claims.clear()


def owed_fires(history: History, entry: Entry) -> int:
    return fires_of(history.entries[entry.name].trigger_frequency, entry.title).count(history.since[entry.name], entry.since, 10**9)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**9))
def test_fault_18_every_fire_is_made_once_or_counted_and_nothing_sticks(seed: int) -> None:
    history = History(seed)
    history.play(60)
    for entry in history.lamp.store.entries():
        assert entry.fired + len(entry.waiting) + entry.overlapped + entry.missed == owed_fires(history, entry)
        assert history.most.get(entry.name, 0) <= parse_overlap(history.entries[entry.name].overlap).running
    history.calm()
    assert set(history.done.values()) <= {1}
    for entry in history.lamp.store.entries():
        assert entry.fired - len(entry.runs) == entry.succeeded + entry.failed + entry.canceled
        assert all(history.lamp.clock.now() - run.opened_at < timedelta(seconds=60) for run in entry.runs)


@pytest.mark.parametrize("seed", range(3))
def test_a_history_is_not_idle(seed: int) -> None:
    history = History(seed)
    history.play(60)
    assert sum(entry.fired for entry in history.lamp.store.entries()) >= 5


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(ZONES), st.integers(0, 200), st.sampled_from(["*/15 * * * *", "30 2 * * *", "0 * * * *", "10,40 1,2,3 * * *"]))
def test_fault_27_an_entry_fires_as_often_as_its_cron_says_over_any_change_of_clocks(name: str, pick: int, fields: str) -> None:
    zone = ZoneInfo(name)
    changes = clock_changes(zone)
    if not changes:
        return
    since, until = window_around(zone, changes[pick % len(changes)])
    text = f"cron {fields} in {name}"
    entry = freerun_context_entry("load", "night", "jobs.load", "load", text, overlap="allow 999")
    lamp = Lamp([entry], SchedulerSettings(sweep_s=1e6, lease_s=1e9))
    lamp.clock.jump((since - lamp.clock.now()).total_seconds() - 0.001)
    lamp.turn(2)
    lamp.pass_s((until - since).total_seconds())
    assert lamp.fires() == [f"load/night/{fire_id(moment)}" for moment in owed(parse_cron(text), since, until)]
