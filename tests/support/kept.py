"""What does a test of keeping house share? An archive in memory, and a store that has a past."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from scheduler.keeper import Keeper, KeeperSettings
from system.archive import Archive
from tests.support.lamp import Lamp, january

DAYS = KeeperSettings(uows_days=10, jobs_days=20, turns_days=10, output_days=5, batch=3)


class Shelf:
    """An archive in memory: records by kind, in order."""

    def __init__(self) -> None:
        self.records: dict[str, list[Mapping[str, Any]]] = {}
        self.months: set[str] = set()

    def append(self, kind: str, month: str, records: Sequence[Mapping[str, Any]]) -> None:
        """Keep `records`."""
        self.records.setdefault(kind, []).extend(records)
        self.months.add(month)

    def ids(self, kind: str) -> list[Any]:
        """Return the names of what is kept of a kind, each once, in their order."""
        names = {"job": ("process", "timeperiod", "generation"), "command": ("number",), "turn": ("number",), "uow": ("id",)}
        return sorted({tuple(record[field] for field in names[kind]) for record in self.records.get(kind, ())})


def finished_day() -> Lamp:
    """Return a lamp whose day and its 24 hours are processed."""
    lamp = Lamp(january())
    lamp.run()
    return lamp


def keeper_of(lamp: Lamp, shelf: Archive, settings: KeeperSettings = DAYS) -> Keeper:
    """Return a keeper over a lamp's store."""
    return Keeper(lamp.store, shelf, lamp.clock, settings)


def after_days(lamp: Lamp, days: float, shelf: Archive, settings: KeeperSettings = DAYS) -> int:
    """Let days pass, and keep house then; returns how many records were removed."""
    lamp.clock.sleep(timedelta(days=days).total_seconds())
    return keeper_of(lamp, shelf, settings).sweep(lamp.clock.now())


