"""What does the store hold of a freerun entry, and how is that written down? One record with all that is under way of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from system.errors import StoreError
from system.lifecycle import UowState

_STATES = {state.value: state for state in UowState}
_DAMAGE = (LookupError, ValueError, TypeError, AttributeError, RecursionError)
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


@dataclass(frozen=True, slots=True)
class Run:
    """The unit of work of one fire, until its end is known. `fire` is the fire's id, and so the third part of the unit of work's.

    `uow_state`, `failures`, `failing_since`, `retry_at` and `held` are as in `Job`. `is_ending`: it was called off. `is_given_up`: its
    worker was lost once too often, so that it ends as failed.
    """

    fire: str
    uow_state: UowState
    opened_at: datetime
    failures: int = 0
    failing_since: datetime | None = None
    retry_at: datetime | None = None
    held: str = ""
    reason: str = ""
    is_ending: bool = False
    is_given_up: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A freerun entry that was seen at least once. Unique by process and name. `turn` is the one that wrote it last.

    `since` is the moment up to which its schedule was dealt with. `given` are the fields that operators gave it, over those of the
    context, as JSON; `said` is who did that last and why, `said_at` when. `is_made`: by a command, and not by the context.
    `waiting` are fires that were taken and have no unit of work yet, `runs` those that have one which has not ended.
    `fired` counts units of work, `succeeded`, `failed` and `canceled` how they ended, `overlapped` fires that came while an earlier
    one was not over and were let go for it, `missed` fires that nobody was there for and were let go: the latest of these lie from
    `missed_from` to `missed_until`. `last_fire`, `last_end`, `last_reason` and `ended_at` tell of the run that ended last, `triggered`
    is the last fire that was asked for. `goes_by` is the schedule that `since` goes by, `off` where the entry was off.
    """

    process: str
    name: str
    turn: int
    since: datetime
    given: str = ""
    said: str = ""
    said_at: datetime | None = None
    is_made: bool = False
    is_deleted: bool = False
    waiting: tuple[str, ...] = ()
    runs: tuple[Run, ...] = ()
    fired: int = 0
    succeeded: int = 0
    failed: int = 0
    canceled: int = 0
    overlapped: int = 0
    missed: int = 0
    missed_from: datetime | None = None
    missed_until: datetime | None = None
    last_fire: str = ""
    last_end: str = ""
    last_reason: str = ""
    ended_at: datetime | None = None
    triggered: str = ""
    goes_by: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What it is unique by."""
        return self.process, self.name

    @property
    def title(self) -> str:
        """How it is named to people, and in the ids of its units of work: `process/name`."""
        return f"{self.process}/{self.name}"

    def uow_id(self, fire: str) -> str:
        """Return the id of a fire's unit of work, such as `load/night/20261121030000/1`."""
        return f"{self.process}/{self.name}/{fire}/1"


_FIRST = 24  # so many values had the first version
_ADDED = ("",)  # what those of later versions are where they are not there: goes_by


def entry_values(entry: Entry) -> list[Any]:
    """Return an entry as a list of plain values, by position; a later version only adds at its end."""
    return [
        entry.process, entry.name, entry.turn, _text(entry.since), entry.given, entry.said, _text(entry.said_at), entry.is_made,
        entry.is_deleted, entry.waiting, [_run_values(run) for run in entry.runs], entry.fired, entry.succeeded, entry.failed,
        entry.canceled, entry.overlapped, entry.missed, _text(entry.missed_from), _text(entry.missed_until), entry.last_fire,
        entry.last_end, entry.last_reason, _text(entry.ended_at), entry.triggered, entry.goes_by,
    ]  # fmt: skip


def entry_of(values: Sequence[Any]) -> Entry:
    """Return the entry that `entry_values` wrote; raises one of the interpreter's errors for a damaged one."""
    found: list[Any] = [*values, *_ADDED[len(values) - _FIRST :]]
    (
        process, name, turn, since, given, said, said_at, is_made, is_deleted, waiting, runs, fired, succeeded, failed, canceled,
        overlapped, missed, missed_from, missed_until, last_fire, last_end, last_reason, ended_at, triggered, goes_by,
    ) = found  # fmt: skip
    return Entry(
        process, name, turn, datetime.fromisoformat(since), given, said, _moment(said_at), is_made, is_deleted, tuple(waiting),
        tuple([_run_of(run) for run in runs]), fired, succeeded, failed, canceled, overlapped, missed, _moment(missed_from),
        _moment(missed_until), last_fire, last_end, last_reason, _moment(ended_at), triggered, goes_by,
    )  # fmt: skip


def entry_row(entry: Entry) -> dict[str, Any]:
    """Return the row of an entry: its key, its turn, and all of it as one JSON text."""
    return {"process": entry.process, "name": entry.name, "turn": entry.turn, "body": _encode(entry_values(entry))}


def row_entry(body: str) -> Entry:
    """Return the entry that a row's body holds; raises StoreError for a damaged one."""
    try:
        return entry_of(json.loads(body))
    except _DAMAGE as error:
        raise StoreError(f"the record of a freerun entry is damaged ({error!r}): {body!r:.200}; restore the store from a backup") from error


def write_entries(entries: Sequence[Entry]) -> list[list[Any]]:
    """Return the entries of a turn as its text holds them."""
    return [entry_values(entry) for entry in entries]


def read_entries(found: Sequence[Sequence[Any]]) -> tuple[Entry, ...]:
    """Return the entries that `write_entries` wrote."""
    return tuple([entry_of(values) for values in found])


def _run_values(run: Run) -> list[Any]:
    return [
        run.fire, run.uow_state.value, _text(run.opened_at), run.failures, _text(run.failing_since), _text(run.retry_at), run.held,
        run.reason, run.is_ending, run.is_given_up,
    ]  # fmt: skip


def _run_of(values: Sequence[Any]) -> Run:
    fire, uow_state, opened_at, failures, failing_since, retry_at, held, reason, is_ending, is_given_up = values
    return Run(
        fire, _STATES[uow_state], datetime.fromisoformat(opened_at), failures, _moment(failing_since), _moment(retry_at), held, reason,
        is_ending, is_given_up,
    )  # fmt: skip


def _text(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise StoreError(f"{moment!r} has no time zone and can't be stored: moments are aware, in UTC")
    return moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

