"""How does the store in memory find and remove what is old?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from threading import Lock
from typing import Any, TypeVar

from db.keeping import Floor, Page
from db.model import Command, CommandState, Event, Job, OutputPiece, Session, Turn, UnitOfWork
from db.store import Store
from system.lifecycle import JOB_FINISHED, UOW_FINISHED

T = TypeVar("T")


class MemoryKeeping(Store):
    """The part of `MemoryStore` that keeps house. A place is the name of the last record that was looked at."""

    _lock: Lock
    _turns: dict[int, Turn]
    _numbers: list[int]
    _removed_turns: int
    _jobs: dict[tuple[str, str], Job]
    _active: dict[tuple[str, str], Job]
    _uows: dict[str, UnitOfWork]
    _of_job: defaultdict[tuple[str, str], dict[str, None]]
    _events: defaultdict[tuple[str, str], dict[tuple[int, int], Event]]
    _commands: dict[int, Command]
    _sessions: dict[str, Session]
    _closed: dict[str, Session]
    _output: defaultdict[str, dict[tuple[int, int], OutputPiece]]
    _floors: dict[str, Floor]

    def old_uows(self, before: datetime, after: str, limit: int) -> Page[UnitOfWork]:
        """See Keeping."""

        def is_old(uow: UnitOfWork) -> bool:
            return uow.state in UOW_FINISHED and (uow.finished_at or uow.opened_at) < before

        with self._lock:
            return _page(self._uows, after, limit, is_old)

    def old_jobs(self, before: datetime, after: str, limit: int) -> Page[Job]:
        """See Keeping."""
        with self._lock:
            by_name = {f"{process}/{timeperiod}": job for (process, timeperiod), job in self._jobs.items()}
            return _page(by_name, after, limit, lambda job: job.state in JOB_FINISHED and job.changed_at < before)

    def old_commands(self, before: datetime, after: str, limit: int) -> Page[Command]:
        """See Keeping."""
        with self._lock:
            by_name = {f"{number:012}": command for number, command in self._commands.items()}
            return _page(by_name, after, limit, lambda c: c.state is not CommandState.OPEN and c.given_at < before)

    def old_events(self, before: datetime, after: str, limit: int) -> Page[Event]:
        """See Keeping."""
        with self._lock:
            events = [event for of_job in self._events.values() for event in of_job.values()]
            by_name = {f"{e.process}/{e.timeperiod}/{e.turn:012}/{e.place:012}": e for e in events}
            return _page(by_name, after, limit, lambda event: event.at < before)

    def printed(self, after: str, limit: int) -> Page[str]:
        """See Keeping."""
        with self._lock:
            return _page({name: name for name in self._output}, after, limit, bool)

    def remove_uows(self, ids: Sequence[str]) -> None:
        """See Keeping."""
        with self._lock:
            for uow_id in ids:
                uow = self._uows.get(uow_id)
                if uow is not None and uow.state in UOW_FINISHED:
                    del self._uows[uow_id]
                    del self._of_job[uow.process, uow.timeperiod][uow_id]

    def remove_jobs(self, jobs: Sequence[Job]) -> None:
        """See Keeping."""
        with self._lock:
            for job in jobs:
                floor, key = self._floors.get(job.process, Floor()), (job.process, job.timeperiod)
                self._floors[job.process] = Floor(max(floor.generation, job.generation), max(floor.fence, job.fence))
                if key in self._jobs and self._jobs[key].turn == job.turn:
                    del self._jobs[key]
                    self._active.pop(key, None)
                    events = self._events.pop(key, {})
                    later = {place: event for place, event in events.items() if place[0] > job.turn}
                    if later:
                        self._events[key] = later

    def remove_turns(self, upto: int) -> None:
        """See Keeping."""
        with self._lock:
            self._removed_turns = max(self._removed_turns, upto)
            self._numbers[:] = [number for number in self._numbers if number > upto]
            _remove(self._turns, [number for number in self._turns if number <= upto])

    def remove_commands(self, numbers: Sequence[int]) -> None:
        """See Keeping."""
        with self._lock:
            answered = [n for n in numbers if n in self._commands and self._commands[n].state is not CommandState.OPEN]
            _remove(self._commands, answered)

    def remove_events(self, events: Sequence[Event]) -> None:
        """See Keeping."""
        with self._lock:
            for event in events:
                of_job = self._events.get((event.process, event.timeperiod), {})
                of_job.pop((event.turn, event.place), None)

    def remove_output(self, uow_ids: Sequence[str]) -> None:
        """See Keeping."""
        with self._lock:
            _remove(self._output, uow_ids)

    def remove_sessions(self, before: datetime, limit: int) -> int:
        """See Keeping."""
        with self._lock:
            old = [name for name, session in self._closed.items() if session.opened_at < before][: max(0, limit)]
            _remove(self._closed, old)
        return len(old)

    def floor(self, process: str) -> Floor:
        """See Keeping."""
        with self._lock:
            return self._floors.get(process, Floor())

    def sizes(self) -> dict[str, int]:
        """See Keeping."""
        with self._lock:
            return {
                "turns": len(self._turns),
                "jobs": len(self._jobs),
                "units of work": len(self._uows),
                "events": sum(map(len, self._events.values())),
                "commands": len(self._commands),
                "sessions": len(self._sessions) + len(self._closed),
                "pieces of output": sum(map(len, self._output.values())),
            }


def _page(records: Mapping[str, T], after: str, limit: int, is_old: Callable[[T], object]) -> Page[T]:
    names = list(islice((name for name in sorted(records) if name > after), limit))
    return Page([records[name] for name in names if is_old(records[name])], names[-1] if len(names) == limit else "")


def _remove(records: dict[Any, Any], keys: Iterable[Any]) -> None:
    for key in keys:
        records.pop(key, None)
