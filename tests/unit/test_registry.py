"""Does the context still fit the timetable that the store holds?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from db.memory import MemoryStore
from scheduler.registry import register
from system.errors import ConfigError
from tests.support.lamp import NOW, context, january

DEFAULT = "2020010100"


def test_a_process_is_registered_with_the_start_that_it_had_first() -> None:
    store = MemoryStore()
    register(store, context(january(("hourly",), start="")), "2015010100", NOW)
    assert [(row.name, row.start) for row in store.processes()] == [("flights_hourly", "2015010100")]


def test_the_same_context_again_changes_nothing() -> None:
    store = MemoryStore()
    for _ in range(2):
        register(store, context(january()), DEFAULT, NOW)
    assert len(store.processes()) == 2


def test_harmless_changes_are_taken_up() -> None:
    store = MemoryStore()
    register(store, context(january()), DEFAULT, NOW)
    register(store, context([replace(p, timeout_s=60.0, description="new") for p in january()]), DEFAULT, NOW)
    assert len(store.processes()) == 2


def test_a_changed_timetable_is_refused_with_every_change() -> None:
    store = MemoryStore()
    register(store, context(january()), DEFAULT, NOW)
    changed = context([replace(p, start="2012010100") for p in january(("hourly", "daily"))])
    with pytest.raises(ConfigError) as caught:
        register(store, changed, DEFAULT, NOW)
    assert caught.value.faults == (
        "flights_hourly: start was '2013010100' and is '2012010100' now",
        "flights_daily: start was '2013010100' and is '2012010100' now",
    )


def test_a_moved_default_start_is_refused_for_those_that_used_it() -> None:
    store = MemoryStore()
    register(store, context(january(("hourly",), start="")), "2015010100", NOW)
    with pytest.raises(ConfigError, match="start was '2015010100' and is '2016010100' now"):
        register(store, context(january(("hourly",), start="")), "2016010100", NOW)


def test_a_new_level_over_registered_ones_is_a_change_of_nobody_else() -> None:
    store = MemoryStore()
    register(store, context(january(("hourly", "daily"))), DEFAULT, NOW)
    register(store, context(january(("hourly", "daily", "monthly"))), DEFAULT, NOW)
    assert len(store.processes()) == 3
