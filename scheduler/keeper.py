"""What is old enough to go, and how does it go? Archived, then removed, a little at a time; nothing that is still needed.

Needed are units of work of jobs that are under way, turns that are not projected, commands without an answer. The chunks are never
touched, so the timetable stays as it is.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from db.documents import command_row, encode_turn, event_row, job_row, piece_row, uow_row
from db.model import Job, OutputPiece, Turn, UnitOfWork
from db.store import Store
from scheduler.settlement import is_operators_skip
from system.archive import Archive
from system.clock import Clock
from system.lifecycle import JOB_ACTIVE, UOW_FINISHED

log = logging.getLogger(__name__)

_MOST_EVENTS = 100_000
_OUTPUT_AT_ONCE = 2_000_000  # characters
_FIRST_MONTH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class KeeperSettings:
    """How long records are kept, in days (0: for ever), and at which pace the keeper goes.

    `batch` records are looked at with one call; `share` is the part of the time that it works at most; a pass over all there is begins
    `pass_s` after the last one ended.
    """

    uows_days: float = 90.0
    jobs_days: float = 0.0
    turns_days: float = 90.0
    output_days: float = 30.0
    batch: int = 200
    share: float = 0.1
    pass_s: float = 3600.0
    least_wait_s: float = 0.02


class Keeper:
    """Keeps house in one store, for the scheduler that leads. Two of them at once do no harm."""

    def __init__(self, store: Store, archive: Archive, clock: Clock, settings: KeeperSettings) -> None:
        self._store = store
        self._archive = archive
        self._clock = clock
        self._settings = settings
        self._kinds: tuple[tuple[float, Callable[[datetime, str], str]], ...] = (
            (settings.output_days, self._output),
            (settings.uows_days, self._uows),
            (settings.jobs_days, self._jobs),
            (settings.turns_days, self._entry_events),
            (settings.turns_days, self._turns),
            (settings.turns_days, self._commands),
            (settings.uows_days, self._sessions),
        )
        self._kind = 0
        self._after = ""
        self._unsettled: set[str] = set()
        self._entries: set[tuple[str, str]] = set()
        self.removed = 0  # records, since this keeper began

    def turn(self, now: datetime) -> float:
        """Do one batch; returns after how many seconds the next one is wanted. Raises Unavailable or ArchiveError: nothing is lost then."""
        began_s = self._clock.monotonic()
        days, kind = self._kinds[self._kind]
        self._after = kind(now - timedelta(days=days), self._after) if days > 0 else ""
        if not self._after:
            self._kind = (self._kind + 1) % len(self._kinds)
            if self._kind == 0:
                return self._settings.pass_s
        took_s = self._clock.monotonic() - began_s
        return max(self._settings.least_wait_s, took_s / self._settings.share - took_s)

    def sweep(self, now: datetime) -> int:
        """Do a whole pass at once; returns how many records were removed."""
        before = self.removed
        while self.turn(now) < self._settings.pass_s:
            pass
        return self.removed - before

    # -- each kind: archive and remove what is old after a place; returns the place to go on from, '' at the end

    def _output(self, before: datetime, after: str) -> str:
        page = self._store.printed(after, self._settings.batch)
        uows = {uow.id: uow for uow in self._store.uows(page.found)}
        # That of a unit of work that is gone has nobody left who asks for it.
        ended = {name: _ended_at(uows[name]) if name in uows else datetime.min.replace(tzinfo=UTC) for name in page.found}
        gone = [name for name, at in ended.items() if at is not None and at < before]
        waiting: list[OutputPiece] = []
        while gone:
            names, size = [], 0
            while gone and size < _OUTPUT_AT_ONCE:
                names.append(gone.pop())
                pieces = self._store.output(names[-1])
                waiting += pieces
                size += sum(len(piece.text) for piece in pieces)
            self._write("output", ((max(ended[p.uow_id] or before, _FIRST_MONTH), piece_row(p)) for p in waiting))
            self._store.remove_output(names)
            self.removed += len(waiting)
            waiting.clear()
        return page.next

    def _uows(self, before: datetime, after: str) -> str:
        if not after:
            # Of what ended long ago and was not settled since nobody led; what ends from now on is too young for this pass.
            self._unsettled = {entry.uow_id(run.fire) for entry in self._store.entries() for run in entry.runs}
        page = self._store.old_uows(before, after, self._settings.batch)
        gone = self._of_finished_jobs(uow for uow in page.found if uow.id not in self._unsettled)
        self._write("uow", ((_ended_at(uow) or before, uow_row(uow)) for uow in gone))
        self._store.remove_uows([uow.id for uow in gone])
        self.removed += len(gone)
        return page.next

    def _of_finished_jobs(self, uows: Iterable[UnitOfWork]) -> list[UnitOfWork]:
        """Return those of `uows` whose job is not under way; one whose record is gone was finished, and an entry's has none."""
        by_process: dict[str, list[UnitOfWork]] = {}
        for uow in uows:
            by_process.setdefault(uow.process, []).append(uow)
        found = []
        for process, of_process in by_process.items():
            jobs = {job.timeperiod: job for job in self._store.jobs(process, [uow.timeperiod for uow in of_process])}
            found += [u for u in of_process if u.timeperiod not in jobs or jobs[u.timeperiod].state not in JOB_ACTIVE]
        return found

    def _jobs(self, before: datetime, after: str) -> str:
        page = self._store.old_jobs(before, after, self._settings.batch)
        # What an operator skipped stays: only the record says that a wider reprocess must leave it alone.
        gone = [job for job in page.found if not is_operators_skip(job)]
        self._write("job", ((job.changed_at, {**job_row(job), "events": self._events(job)}) for job in gone))
        self._store.remove_jobs(gone)
        self.removed += len(gone)
        return page.next

    def _events(self, job: Job) -> list[dict[str, Any]]:
        return [event_row(event) for event in reversed(self._store.events(job.process, job.timeperiod, _MOST_EVENTS))]

    def _entry_events(self, before: datetime, after: str) -> str:
        # Those of a job go with its record; the record of an entry stays, so its events go by their own age.
        if not after:
            self._entries = {entry.key for entry in self._store.entries()}
        if not self._entries:
            return ""
        page = self._store.old_events(before, after, self._settings.batch)
        gone = [event for event in page.found if (event.process, event.timeperiod) in self._entries]
        self._write("event", ((event.at, event_row(event)) for event in gone))
        self._store.remove_events(gone)
        self.removed += len(gone)
        return page.next

    def _turns(self, before: datetime, after: str) -> str:
        # The last turn that is projected stays: it says who leads.
        last = self._store.projected_turn() - 1
        turns = self._store.turns_after(int(after or 0), min(self._settings.batch, 50))
        old = [turn for turn in turns if turn.number <= last and turn.decided_at < before]
        if not old or len(old) < len(turns):
            self._remove_turns(old)
            return ""
        self._remove_turns(old)
        return str(old[-1].number)

    def _remove_turns(self, turns: list[Turn]) -> None:
        self._write("turn", ((turn.decided_at, {"number": turn.number, "turn": json.loads(encode_turn(turn))}) for turn in turns))
        if turns:
            self._store.remove_turns(turns[-1].number)
        self.removed += len(turns)

    def _commands(self, before: datetime, after: str) -> str:
        page = self._store.old_commands(before, after, self._settings.batch)
        self._write("command", ((command.given_at, command_row(command)) for command in page.found))
        self._store.remove_commands([command.number for command in page.found])
        self.removed += len(page.found)
        return page.next

    def _sessions(self, before: datetime, after: str) -> str:  # noqa: ARG002  each call finds the oldest
        # Not archived: they say nothing that their units of work don't.
        count = self._store.remove_sessions(before, self._settings.batch)
        self.removed += count
        return "more" if count == self._settings.batch else ""

    def _write(self, kind: str, rows: Iterable[tuple[datetime, dict[str, Any]]]) -> None:
        by_month: dict[str, list[dict[str, Any]]] = {}
        for at, row in rows:
            by_month.setdefault(_month(at), []).append(row)
        for month, found in by_month.items():
            self._archive.append(kind, month, found)


def _ended_at(uow: UnitOfWork) -> datetime | None:
    """Return when a unit of work ended, None while it has not; one that never began counts from its opening."""
    return (uow.finished_at or uow.opened_at) if uow.state in UOW_FINISHED else None


def _month(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m}"
