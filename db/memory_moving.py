"""How does the store in memory hand out all it has, and take in what another had?"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock
from typing import Any

from db.contexts import ContextRow
from db.entries import Entry
from db.keeping import Floor, Page
from db.memory_boxes import MemoryBoxes
from db.memory_keeping import MemoryKeeping
from db.memory_looking import MemoryLooking
from db.memory_papers import MemoryPapers
from db.model import Chunk, Command, CommandState, Job, OutputPiece, ProcessRow, Session, Switch, UnitOfWork
from db.moving import KeptFloor, KeptSession, Marks, Record
from system.lifecycle import JOB_ACTIVE


class MemoryMoving(MemoryBoxes, MemoryPapers, MemoryLooking, MemoryKeeping):
    """The part of `MemoryStore` that moves. A place is how many records came before it."""

    _lock: Lock
    _projected: int
    _last_command: int
    _chunks: Mapping[str, dict[int, Chunk]]
    _closed: dict[str, Session]
    _open_commands: dict[int, Command]
    _switches: dict[str, Switch]
    _processes: dict[str, ProcessRow]
    _entries: dict[tuple[str, str], Entry]
    _contexts: dict[tuple[str, str], ContextRow]
    _notes: dict[str, str]

    def records(self, kind: str, after: str, limit: int) -> Page[Record]:
        """See Moving."""
        first = int(after or 0)
        with self._lock:
            found = list(self._all(kind))
        part = found[first : first + limit]
        return Page(part, str(first + limit) if first + limit < len(found) else "")

    def _all(self, kind: str) -> Iterable[Record]:
        plain: dict[str, Callable[[], Iterable[Record]]] = {
            "processes": self._processes.values,
            "switches": self._switches.values,
            "floors": lambda: [KeptFloor(process, floor) for process, floor in self._floors.items()],
            "entries": self._entries.values,
            "papers": self._papers.values,
            "contexts": self._contexts.values,
            "box wishes": self._wishes.values,
            "box reports": self._reports.values,
            "sessions": lambda: [
                KeptSession(session, is_open=is_open)
                for sessions, is_open in ((self._sessions, True), (self._closed, False))
                for session in sessions.values()
            ],
            "commands": self._commands.values,
            "chunks": lambda: [chunk for of_process in self._chunks.values() for chunk in of_process.values()],
            "jobs": self._jobs.values,
            "units of work": self._uows.values,
            "events": lambda: [event for of_job in self._events.values() for event in of_job.values()],
            "output": lambda: [piece for pieces in self._output.values() for piece in pieces.values()],
            "turns": lambda: [self._turns[number] for number in self._numbers],
        }
        return plain[kind]()

    def put_records(self, kind: str, records: Sequence[Record]) -> None:
        """See Moving."""
        put: dict[str, Callable[[Any], None]] = {
            "processes": lambda row: self._processes.update({row.name: row}),
            "switches": lambda switch: self._switches.update({switch.process: switch}),
            "floors": lambda kept: self._floors.update({kept.process: Floor(kept.floor.generation, kept.floor.fence)}),
            "entries": lambda entry: self._entries.update({entry.key: entry}),
            "papers": lambda paper: self._papers.update({(paper.kind, paper.key): paper}),
            "contexts": lambda row: self._contexts.update({row.key: row}),
            "box wishes": lambda wish: self._wishes.update({(wish.box, wish.process): wish}),
            "box reports": lambda report: self._reports.update({(report.box, report.process): report}),
            "sessions": self._take_session,
            "commands": self._take_command,
            "chunks": lambda chunk: self._chunks[chunk.process].update({chunk.number: chunk}),
            "jobs": self._take_job,
            "units of work": self._put_uow,
            "events": lambda e: self._events[e.process, e.timeperiod].update({(e.turn, e.place): e}),
            "output": self._take_piece,
            "turns": lambda turn: self._turns.update({turn.number: turn}),
        }
        with self._lock:
            for record in records:
                put[kind](record)
            self._numbers[:] = sorted(self._turns)
            waiting = dict(sorted(self._open_commands.items()))
            self._open_commands.clear()
            self._open_commands.update(waiting)

    @abstractmethod
    def _put_uow(self, uow: UnitOfWork) -> None:
        """Write a unit of work, and keep the claims of its session in step."""

    def _take_session(self, kept: KeptSession) -> None:
        here, there = (self._sessions, self._closed) if kept.is_open else (self._closed, self._sessions)
        here[kept.session.id] = kept.session
        there.pop(kept.session.id, None)

    def _take_command(self, command: Command) -> None:
        self._commands[command.number] = command
        self._last_command = max(self._last_command, command.number)
        if command.state is CommandState.OPEN:
            self._open_commands[command.number] = command
        else:
            self._open_commands.pop(command.number, None)

    def _take_job(self, job: Job) -> None:
        key = (job.process, job.timeperiod)
        self._jobs[key] = job
        if job.state in JOB_ACTIVE:
            self._active[key] = job
        else:
            self._active.pop(key, None)

    def _take_piece(self, piece: OutputPiece) -> None:
        self._output[piece.uow_id][piece.fence, piece.offset] = piece

    def marks(self) -> Marks:
        """See Moving."""
        with self._lock:
            return Marks(self._projected, self._removed_turns, self._last_command)

    def put_marks(self, marks: Marks) -> None:
        """See Moving."""
        with self._lock:
            self._projected, self._removed_turns, self._last_command = marks.projected, marks.removed_turns, marks.last_command

    def note(self, name: str) -> str:
        """See Moving."""
        with self._lock:
            return self._notes.get(name, "")

    def put_note(self, name: str, text: str) -> None:
        """See Moving."""
        with self._lock:
            self._notes[name] = text
