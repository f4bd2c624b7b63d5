"""Does a move between stores that dies at any call go on, and end as if nothing had been?"""

from __future__ import annotations

import pytest

from db import migration
from db.memory import MemoryStore
from db.migration import begin, copy, half_moved, verify
from db.store import Store
from tests.support.furnished import furnish, written
from tests.support.mortal import Death, Mortal, behind_toll


def untold(_what: str, _kind: str, _done: int) -> None:
    """Tell nobody."""


def move(source: Store, target: Store) -> None:
    """Move all that `source` holds."""
    verify(source, target, copy(source, target, begin(source, target, "there"), untold), untold)


def die(source: Store, target: Store, calls: int, *, after: bool) -> bool:
    """Move until the target's n-th call, and die there; returns whether it got so far."""
    mortal = Mortal(calls, after=after)
    try:
        move(source, behind_toll(Store, target, mortal))  # type: ignore[type-abstract]
    except Death:
        return True
    return False


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store in which everything has happened, moved record by record."""
    monkeypatch.setattr(migration, "_PAGE", 1)
    monkeypatch.setattr(migration, "_PAGES", {})
    made = MemoryStore()
    furnish(made)
    return made


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_move_that_dies_at_any_call_goes_on_and_ends_well(source: Store, *, after: bool) -> None:
    calls, whole = 0, written(source)
    while die(source, target := MemoryStore(), calls, after=after):
        move(source, target)
        assert (written(target), target.marks()) == (whole, source.marks()), calls
        calls += 1
    assert calls > 100
    assert written(source) == whole


def test_a_move_that_dies_again_and_again_ends_well(source: Store) -> None:
    target, deaths = MemoryStore(), 0
    while die(source, target, 12, after=True) and deaths < 100:
        deaths += 1
    move(source, target)
    assert (written(target), deaths > 3) == (written(source), True)


def test_what_is_half_moved_says_so_until_it_is_whole(source: Store) -> None:
    target = MemoryStore()
    die(source, target, 60, after=False)
    assert half_moved(target) == "there"
    move(source, target)
    assert half_moved(target) == ""
