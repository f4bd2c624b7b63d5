"""Is everything kept, in the store or in the archive, when the keeper dies at its n-th call, for every n, before or after its effect?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from db.model import OutputPiece
from db.store import Store
from scheduler.keeper import Keeper
from system.archive import Archive
from system.lifecycle import JobState
from tests.support.kept import DAYS, Shelf
from tests.support.lamp import Lamp, hours, january
from tests.support.mortal import Death, Mortal, behind_toll

HOUR = "flights_hourly", "2013010100"


def past() -> Lamp:
    """Return a lamp with a little of everything behind it, long ago, and one job under way."""
    lamp = Lamp(january(days=1, max_attempts=1))
    lamp.turn()
    lamp.store.append_output([OutputPiece(name, 1, 0, f"words of {name}") for name in hours(4)])
    lamp.run()
    lamp.give("reprocess", *HOUR)
    lamp.run()
    lamp.clock.sleep(timedelta(days=30).total_seconds())
    lamp.give("reprocess", "flights_hourly", "2013010105")
    return lamp


def names(lamp: Lamp, shelf: Shelf) -> dict[str, set[object]]:
    """Return the names of all that is in the store or on the shelf."""
    store = lamp.store
    periods = [f"20130101{hour:02}" for hour in range(24)]
    places = [("flights_daily", "2013010100"), *(("flights_hourly", period) for period in periods)]
    uows = {uow.id for place in places for uow in store.uows_of(*place, 99)}
    return {
        "uow": uows | {name for (name,) in shelf.ids("uow")},
        "job": {(j.process, j.timeperiod) for p, t in places for j in store.jobs(p, [t])} | {name[:2] for name in shelf.ids("job")},
        "turn": {turn.number for turn in store.turns_after(0, 999)} | {number for (number,) in shelf.ids("turn")},
        "command": {n for n in (1, 2) if (n,) in shelf.ids("command") or store.command(n)},
        "output": {n for n in hours(4) if store.output(n)} | {record["uow_id"] for record in shelf.records.get("output", ())},
    }


def lives(*, after: bool) -> Iterator[tuple[Lamp, Shelf, str]]:
    """Yield what is left after a death at call 0, 1, 2 ... and a keeper that came later; in the end after none."""
    number = 0
    while True:
        lamp, shelf, toll = past(), Shelf(), Mortal(number, after=after)
        whole = names(lamp, shelf)
        store: Store = behind_toll(Store, lamp.store, toll)  # type: ignore[type-abstract]
        keeper = Keeper(store, _mortal(shelf, toll), lamp.clock, DAYS)
        try:
            keeper.sweep(lamp.clock.now())
        except Death:
            assert names(lamp, shelf) == whole
            Keeper(lamp.store, shelf, lamp.clock, DAYS).sweep(lamp.clock.now())
        assert names(lamp, shelf) == whole
        yield lamp, shelf, toll.died_at
        if not toll.died_at:
            return
        number += 1


def _mortal(shelf: Shelf, toll: Mortal) -> Archive:
    class Box(Shelf):
        def append(self, kind: str, month: str, records: object) -> None:
            toll("append", lambda: shelf.append(kind, month, records))  # type: ignore[arg-type]

    return Box()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_fault_21_a_keeper_may_die_at_any_call(after: bool) -> None:
    died_at = set()
    for lamp, shelf, call in lives(after=after):
        died_at.add(call)
        assert lamp.store.sizes()["units of work"] == 4, "those of the jobs that are under way"
        assert len(shelf.ids("job")) == 23
        lamp.run()
        assert lamp.state("flights_hourly", "2013010105") is lamp.state("flights_daily", "2013010100") is JobState.PROCESSED
    assert died_at >= {
        "", "append", "old_uows", "old_jobs", "old_commands", "printed", "uows", "jobs", "events", "output", "turns_after",
        "projected_turn", "remove_uows", "remove_jobs", "remove_turns", "remove_commands", "remove_output", "remove_sessions", "entries",
    }
