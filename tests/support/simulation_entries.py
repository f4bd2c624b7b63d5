"""Which freerun entries has a history, and what does its operator do to them? Drawn by luck of its own from the seed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from random import Random

from db.entries import Entry
from db.model import Command
from db.store import Store
from system.context import Context, FreerunProcess, freerun_context_entry

PROCESS = "load"
NAMES = ("a", "b", "c")
MADE = "made"  # the name of one that the context lacks: a command makes it

SCHEDULES = (
    "every 1", "every 1", "every 3", "every 7", "every 20", "every 1.5", "cron * * * * *", "cron */2 * * * *",
    "at 00:00,00:01,01:00,23:00,*-23:59",
)  # fmt: skip
OVERLAPS = ("skip", "skip", "queue 1", "queue 3", "allow 2", "allow 4", "replace")
MISFIRES = ("skip", "once", "all")
GRACES_S = (0.0, 30.0, 3_600.0)
_VERBS = ("change", "change", "change", "trigger", "trigger", "off", "on", "delete", "create", "create", "cancel", "release")


def with_entries(luck: Random, context: Context) -> Context:
    """Return most contexts as they are; in the others a few entries of one process fire beside the timetable."""
    if luck.random() < 0.72:
        return context
    entries = tuple(_entry(luck, name) for name in NAMES[: luck.randint(1, len(NAMES))])
    return Context((*context.processes, *entries), context.trees)


def _entry(luck: Random, name: str) -> FreerunProcess:
    return freerun_context_entry(
        PROCESS, name, "jobs.load", "load", luck.choice(SCHEDULES), is_on=luck.random() < 0.85, arguments={"of": name, "days": 1},
        overlap=luck.choice(OVERLAPS), misfire=luck.choice(MISFIRES), grace_s=luck.choice(GRACES_S),
        max_attempts=luck.choice((0, 1, 2, 3)), backoff_s=luck.choice((0.1, 1.0)), on_failure=luck.choice(("skip", "skip", "hold")),
    )  # fmt: skip


def entry_commands(seed: int, context: Context, begin: datetime, storm_s: float) -> Iterator[tuple[float, Command]]:
    """Yield what the operator does to entries, and when."""
    luck = Random(f"entry commands {seed}")
    for _ in range(luck.choice((0, 2, 6, 12)) if context.freerun else 0):
        verb = luck.choice(_VERBS)
        name = luck.choice((*NAMES, MADE, MADE))
        given = {"create": _whole, "change": _some}[verb](luck) if verb in ("create", "change") else {}
        details = json.dumps(given, sort_keys=True) if given else ""
        yield luck.uniform(0.1, storm_s), Command(f"freerun {verb}", PROCESS, name, "eve", "test", begin, details=details)


def _whole(luck: Random) -> dict[str, object]:
    return {"trigger_frequency": luck.choice(SCHEDULES), **_some(luck)}


def _some(luck: Random) -> dict[str, object]:
    """Return a few fields that an operator gives an entry."""
    fields: dict[str, object] = {
        "trigger_frequency": luck.choice(SCHEDULES), "overlap": luck.choice(OVERLAPS), "misfire": luck.choice(MISFIRES),
        "grace_s": luck.choice(GRACES_S), "arguments": {"days": luck.randint(2, 9)}, "description": "as it is now",
    }  # fmt: skip
    return {field: fields[field] for field in luck.sample(sorted(fields), luck.randint(1, 3))}


def quieten(store: Store, at: datetime, *, releases: bool) -> None:
    """Have the operator switch off what still fires, once he was answered about what he asked before; and release what is held."""
    if store.open_commands(1):
        return
    for entry in store.entries():
        for verb, is_wanted in (("off", _is_on(entry)), ("release", releases and any(run.held for run in entry.runs))):
            if is_wanted:
                store.add_command(Command(f"freerun {verb}", entry.process, entry.name, "eve", "the storm is over", at))


def busy(store: Store, *, releases: bool) -> list[Entry]:
    """Return the entries that have something left to come."""
    return [entry for entry in store.entries() if _is_on(entry) or any(releases or not run.held for run in entry.runs) or _can_go_on(entry)]


def _can_go_on(entry: Entry) -> bool:
    return bool(entry.waiting) and not any(run.held for run in entry.runs)


def _is_on(entry: Entry) -> bool:
    return entry.goes_by not in ("", "off")
