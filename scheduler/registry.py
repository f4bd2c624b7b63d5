"""Does the context still fit the timetable that the store holds? Processes are stored as they were first registered."""

from __future__ import annotations

import json
from datetime import datetime

from db.model import ProcessRow
from db.store import Store
from system.context import Context, first_period
from system.context_check import shape
from system.errors import ConfigError


def register(store: Store, context: Context, default_start: str, now: datetime) -> None:
    """Store the processes that are new; raises ConfigError that lists every change which would alter the timetable of a registered one."""
    known = {row.name: row for row in store.processes()}
    rows = [
        ProcessRow(p.name, first_period(p, default_start, context.calendar_of(p.name)).id, shape(p, context), now)
        for p in context.managed.values()
    ]
    faults = tuple(
        f"{row.name}: {field} was {before!r} and is {after!r} now"
        for row in rows
        if row.name in known
        for field, before, after in _differences(known[row.name], row)
    )
    if faults:
        listed = "\n".join(f"  {fault}" for fault in faults)
        raise ConfigError(
            f"the context changes the timetable of registered processes:\n{listed}\n"
            "Take the change back, or register it under a new process name (the old one keeps its history).",
            faults,
        )
    store.register([row for row in rows if row.name not in known])


def _differences(before: ProcessRow, after: ProcessRow) -> list[tuple[str, object, object]]:
    old, new = json.loads(before.shape), json.loads(after.shape)
    # The start as it was resolved: a process without one of its own moves with the deployment's default.
    old["start"], new["start"] = before.start, after.start
    return [(field, old.get(field), new.get(field)) for field in sorted({*old, *new}) if old.get(field) != new.get(field)]
