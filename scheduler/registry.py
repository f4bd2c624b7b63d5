"""Does a context fit the timetable that is registered? What it would change, and what is taken over without asking.

Processes are registered by turns, so every scheduler learns of a change before it can decide anything after it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from db.model import ProcessRow
from db.store import Store
from system.context import Context, ManagedProcess, first_period
from system.context_check import shape

Rows = Mapping[str, ProcessRow]

_TURNS_AT_ONCE = 500
# Facts that an older version did not write down: where they are missing, they are as they were.
_ADOPTED = ("end",)
RENAMED, QUALIFIER = "name", "qualifier"


@dataclass(frozen=True, slots=True)
class Change:
    """What a context would change of a registered process. `field` is one of its shape's, `start`, or `name`: it took another's place."""

    process: str
    field: str
    before: object
    after: object

    def __str__(self) -> str:
        if self.field == RENAMED:
            return f"{self.process}: stands where {self.before} was, which has left the context; a new name begins a new history"
        return f"{self.process}: {self.field} was {self.before!r} and is {self.after!r} now"


@dataclass(frozen=True, slots=True)
class Fit:
    """How a context stands to what is registered: `changes` must be applied first; `rows` are what is to be registered then."""

    rows: tuple[ProcessRow, ...] = ()
    changes: tuple[Change, ...] = ()

    @property
    def refusal(self) -> str:
        """What to say where the context must not lead, empty where it may."""
        if not self.changes:
            return ""
        listed = "\n".join(f"  {change}" for change in self.changes)
        return f"the context changes the timetable of registered processes:\n{listed}\n{advice(self.changes)}"


def advice(changes: tuple[Change, ...]) -> str:
    """Return what to do about changes."""
    if any(change.field == QUALIFIER for change in changes):
        return "Another qualifier makes another process: give it a new name (the old one keeps its history), or take the change back."
    return "Take the change back, or look at `launch.py context plan` and say yes by `launch.py context apply`."


def fit(registered: Rows, context: Context, default_start: str, now: datetime, turn: int) -> Fit:
    """Return how `context` stands to what is registered, the rows being as `turn` would register them."""
    rows, changes = [], []
    for process in context.managed.values():
        before = registered.get(process.name)
        start = kept_start(process, before) or first_period(process, default_start, context.calendar_of(process.name)).id
        made = ProcessRow(process.name, start, shape(process, context), now, turn)
        if before is None:
            rows.append(made)
            continue
        found = [Change(process.name, *difference) for difference in _differences(before, made)]
        changes += found
        if found or before.retired_at or facts_of(before) != facts_of(made):
            rows.append(replace(made, registered_at=before.registered_at, reopen=before.reopen))
    left = [row for row in registered.values() if row.name not in context.managed and not row.retired_at]
    rows += [replace(row, retired_at=now, turn=turn) for row in left]
    return Fit(tuple(rows), (*changes, *_renamed(registered, rows, left)))


def kept_start(process: ManagedProcess, row: ProcessRow | None) -> str:
    """Return the start that a process has from its registration; empty where its context gives it one, or it is another process now.

    The deployment's default counts once: when a process without a start of its own is registered first.
    """
    is_kept = row is not None and not process.start and facts_of(row).get("qualifier") == process.time_qualifier
    return row.start if row is not None and is_kept else ""


def read_registered(store: Store) -> dict[str, ProcessRow]:
    """Return what is registered by name, with what turns say that are not projected yet."""
    found = {row.name: row for row in store.processes()}
    number = store.projected_turn()
    while turns := store.turns_after(number, _TURNS_AT_ONCE):
        number = turns[-1].number
        take_over(found, (row for turn in turns for row in turn.registered))
    return found


def retired(registered: Iterable[ProcessRow], known: Iterable[str]) -> list[ProcessRow]:
    """Return the processes that were registered and are not in the context, by name."""
    names = set(known)
    return sorted((row for row in registered if row.name not in names), key=lambda row: row.name)


def take_over(registered: dict[str, ProcessRow], rows: Iterator[ProcessRow] | tuple[ProcessRow, ...]) -> None:
    """Change what is registered by the rows of a turn, those of an older one excepted."""
    for row in rows:
        before = registered.get(row.name)
        if before is None or before.turn < row.turn:
            registered[row.name] = row


def _differences(before: ProcessRow, after: ProcessRow) -> Iterator[tuple[str, object, object]]:
    old, new = facts_of(before), facts_of(after)
    # The start as it was resolved: one that a context gives and that was the default's before is no change.
    old["start"], new["start"] = before.start, after.start
    for field in sorted({*old, *new}):
        if old.get(field) != new.get(field) and not (field in _ADOPTED and field not in old):
            yield field, old.get(field), new.get(field)


def _renamed(registered: Rows, rows: list[ProcessRow], left: list[ProcessRow]) -> Iterator[Change]:
    """Yield the new processes that stand where one stood that left: most likely it got another name, and would run all over again."""
    places = {_place(row): row.name for row in left}
    for row in rows:
        if row.name not in registered and _place(row) in places:
            yield Change(row.name, RENAMED, places[_place(row)], row.name)


def _place(row: ProcessRow) -> tuple[object, object]:
    facts = facts_of(row)
    return facts.get("tree"), facts.get("qualifier")


def facts_of(row: ProcessRow) -> dict[str, Any]:
    """Return what may not change silently of a registered process, by name."""
    return dict(json.loads(row.shape))
