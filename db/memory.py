"""What does a store do, in the fewest words? The store in memory: for unit tests and simulation, and the pattern of all others.

One lock makes every verb atomic. What a turn or a beat looks up is indexed, so that no verb walks history.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from threading import Lock

from db.contexts import ContextRow, take_over
from db.entries import Entry
from db.facts import StoreFacts
from db.keeping import Floor
from db.memory_moving import MemoryMoving
from db.model import (
    Answer,
    BeatAnswer,
    Cancel,
    Chunk,
    Command,
    CommandState,
    Event,
    Job,
    Outcome,
    OutputPiece,
    ProcessRow,
    Session,
    Switch,
    Turn,
    UnitOfWork,
    UowMove,
    Widening,
)
from db.store import nothing, opened_at_once
from system.errors import NotFound, StoreError
from system.lifecycle import JOB_ACTIVE, UOW_FINISHED, UOW_LIFECYCLE, UowEvent, UowState, advance


class MemoryStore(MemoryMoving):
    """A store that lives as long as its object; threads share it."""

    def __init__(self, *, opens_at_once: bool = False) -> None:
        super().__init__()
        self.opens_at_once = opens_at_once
        self._lock = Lock()
        self._turns: dict[int, Turn] = {}
        self._numbers: list[int] = []
        self._projected = 0
        self._removed_turns = 0
        self._last_command = 0
        self._floors: dict[str, Floor] = {}
        self._jobs: dict[tuple[str, str], Job] = {}
        self._active: dict[tuple[str, str], Job] = {}
        self._chunks: defaultdict[str, dict[int, Chunk]] = defaultdict(dict)
        self._uows: dict[str, UnitOfWork] = {}
        self._of_job: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)
        self._events: defaultdict[tuple[str, str], dict[tuple[int, int], Event]] = defaultdict(dict)
        self._claims: defaultdict[str, set[str]] = defaultdict(set)
        self._sessions: dict[str, Session] = {}
        self._closed: dict[str, Session] = {}
        self._notes: dict[str, str] = {}
        self._commands: dict[int, Command] = {}
        self._open_commands: dict[int, Command] = {}
        self._switches: dict[str, Switch] = {}
        self._output: defaultdict[str, dict[tuple[int, int], OutputPiece]] = defaultdict(dict)
        self._processes: dict[str, ProcessRow] = {}
        self._entries: dict[tuple[str, str], Entry] = {}
        self._contexts: dict[tuple[str, str], ContextRow] = {}

    def prepare(self) -> None:
        """Nothing is missing."""

    def close(self) -> None:
        """Nothing is held."""

    def describe(self) -> StoreFacts:
        """See Store."""
        return StoreFacts("memory", 1, 1)

    def mend(self) -> None:
        """Nothing can be missing."""

    # -- turns

    def insert_turn(self, turn: Turn) -> bool:
        """See Store."""
        with self._lock:
            if turn.number in self._turns or turn.number <= self._removed_turns:
                return False
            self._turns[turn.number] = turn
            insort(self._numbers, turn.number)
            if self.opens_at_once:
                self._open(opened_at_once(turn))
            return True

    def turns_after(self, number: int, limit: int) -> list[Turn]:
        """See Store."""
        with self._lock:
            first = bisect_right(self._numbers, number)
            return [self._turns[n] for n in self._numbers[first : first + max(0, limit)]]

    def projected_turn(self) -> int:
        """See Store."""
        with self._lock:
            return self._projected

    # -- projections

    def project(self, turn: Turn, chunks: Sequence[Chunk], on_requested: Callable[[], None] = nothing) -> None:
        """See Store."""
        # All of them before the first write: an illegal move changes nothing.
        moves = [(move, advance(UOW_LIFECYCLE, move.before, move.event)) for move in turn.moves]
        with self._lock:
            self._open(turn.opened)
            self._cancel(turn.cancels)
            for move, state in moves:
                self._move(move, state, turn.number)
            for widening in turn.widenings:
                self._widen(widening, turn.number)
            self._put_jobs(turn.jobs)
            self._put_entries(turn.entries)
            self._put_chunks(chunks)
            self._put_switches(turn.switches)
            self._close(turn.lost)
            self._answer(turn.answers, turn.number)
            self._register(turn.registered)
            take_over(self._contexts, turn.contexts)
            for event in turn.events:
                self._events[event.process, event.timeperiod].setdefault((event.turn, event.place), event)
            self._projected = max(self._projected, turn.number)
        on_requested()

    def _open(self, opened: Sequence[UnitOfWork]) -> None:
        for uow in opened:
            if uow.id not in self._uows:
                self._put_uow(uow)

    def _put_uow(self, uow: UnitOfWork) -> None:
        """Write a unit of work and keep the claims of its session in step; every write of one goes through here."""
        before = self._uows.get(uow.id)
        if before is not None and before.state is UowState.IN_PROGRESS:
            self._claims[before.session].discard(uow.id)
        if uow.state is UowState.IN_PROGRESS:
            self._claims[uow.session].add(uow.id)
        self._uows[uow.id] = uow
        self._of_job[uow.process, uow.timeperiod][uow.id] = None

    def _cancel(self, cancels: Iterable[Cancel]) -> None:
        for cancel in cancels:
            uow = self._uows.get(cancel.uow_id)
            if uow is not None and uow.state not in UOW_FINISHED:
                self._put_uow(replace(uow, cancel_requested=True, reason=cancel.reason))

    def _widen(self, widening: Widening, number: int) -> None:
        uow = self._uows.get(widening.uow_id)
        if uow is not None and (uow.state, uow.fence) == (UowState.REQUESTED, widening.fence) and uow.turn < number:
            self._put_uow(replace(uow, slice=widening.slice, turn=number))

    def _move(self, move: UowMove, state: UowState, number: int) -> None:
        uow = self._uows.get(move.uow_id)
        if uow is None or (uow.state, uow.fence) != (move.before, move.fence) or uow.turn >= number:
            return
        session = "" if state is UowState.REQUESTED else uow.session
        self._put_uow(replace(uow, state=state, session=session, losses=move.losses, reason=move.reason, turn=number))

    def _put_jobs(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            key = (job.process, job.timeperiod)
            before = self._jobs.get(key)
            if before is not None and before.turn >= job.turn:
                continue
            self._jobs[key] = job
            if job.state in JOB_ACTIVE:
                self._active[key] = job
            else:
                self._active.pop(key, None)

    def _put_entries(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            before = self._entries.get(entry.key)
            if before is None or before.turn < entry.turn:
                self._entries[entry.key] = entry

    def _put_chunks(self, chunks: Iterable[Chunk]) -> None:
        for chunk in chunks:
            of_process = self._chunks[chunk.process]
            before = of_process.get(chunk.number)
            if before is None or before.turn < chunk.turn:
                of_process[chunk.number] = chunk

    def _put_switches(self, switches: Iterable[Switch]) -> None:
        for switch in switches:
            before = self._switches.get(switch.process)
            if before is None or before.turn < switch.turn:
                self._switches[switch.process] = switch

    def _answer(self, answers: Iterable[Answer], number: int) -> None:
        for answer in answers:
            command = self._open_commands.get(answer.number)
            if command is None:
                continue
            self._commands[answer.number] = answered = replace(command, state=answer.state, answer=answer.text, turn=number)
            if answered.state is CommandState.OPEN:
                self._open_commands[answer.number] = answered
            else:
                del self._open_commands[answer.number]

    def _register(self, rows: Iterable[ProcessRow]) -> None:
        for row in rows:
            before = self._processes.get(row.name)
            if before is None or before.turn < row.turn:
                self._processes[row.name] = row

    # -- jobs and chunks

    def active_jobs(self) -> list[Job]:
        """See Store."""
        with self._lock:
            return list(self._active.values())

    def jobs(self, process: str, timeperiods: Sequence[str]) -> list[Job]:
        """See Store."""
        with self._lock:
            found = (self._jobs.get((process, timeperiod)) for timeperiod in dict.fromkeys(timeperiods))
            return [job for job in found if job is not None]

    def chunks(self, processes: Sequence[str]) -> Iterator[Chunk]:
        """See Store."""
        with self._lock:
            found = [chunk for process in dict.fromkeys(processes) for chunk in self._chunks.get(process, {}).values()]
        return iter(found)

    def entries(self) -> list[Entry]:
        """See Store."""
        with self._lock:
            return list(self._entries.values())

    def events(self, process: str, timeperiod: str, limit: int) -> list[Event]:
        """See Store."""
        with self._lock:
            found = self._events.get((process, timeperiod), {})
            return [found[place] for place in sorted(found, reverse=True)[: max(0, limit)]]

    # -- units of work

    def uows(self, ids: Sequence[str]) -> list[UnitOfWork]:
        """See Store."""
        with self._lock:
            return [self._uows[uow_id] for uow_id in dict.fromkeys(ids) if uow_id in self._uows]

    def uows_of(self, process: str, timeperiod: str, limit: int) -> list[UnitOfWork]:
        """See Store."""
        with self._lock:
            found = [self._uows[uow_id] for uow_id in self._of_job.get((process, timeperiod), ())]
            return sorted(found, key=lambda uow: (uow.opened_at, uow.id), reverse=True)[: max(0, limit)]

    def fires(self, process: str, entry: str, limit: int) -> list[UnitOfWork]:
        """See Store."""
        front = f"{process}/{entry}/"
        with self._lock:
            found = sorted((uow_id for uow_id in self._uows if uow_id.startswith(front)), reverse=True)
            return [self._uows[uow_id] for uow_id in found[: max(0, limit)]]

    def claim(self, ids: Sequence[str], session: str, at: datetime) -> list[UnitOfWork]:
        """See Store."""
        won = []
        with self._lock:
            for uow_id in ids:
                uow = self._uows.get(uow_id)
                if uow is None or uow.state is not UowState.REQUESTED or uow.cancel_requested:
                    continue
                state = advance(UOW_LIFECYCLE, uow.state, UowEvent.CLAIMED)
                claimed = replace(uow, state=state, fence=uow.fence + 1, session=session, started_at=at)
                self._put_uow(claimed)
                won.append(claimed)
        return won

    def give_back(self, claims: Sequence[UnitOfWork]) -> list[str]:
        """See Store."""
        given = []
        with self._lock:
            for claim in claims:
                uow = self._claimed(claim.id, claim.session, claim.fence)
                if uow is not None:
                    self._put_uow(replace(uow, state=advance(UOW_LIFECYCLE, uow.state, UowEvent.GIVEN_BACK), session=""))
                    given.append(uow.id)
        return given

    def finish(self, outcomes: Sequence[Outcome]) -> list[str]:
        """See Store."""
        states = [advance(UOW_LIFECYCLE, UowState.IN_PROGRESS, outcome.event) for outcome in outcomes]
        written = []
        with self._lock:
            for outcome, state in zip(outcomes, states, strict=True):
                uow = self._claimed(outcome.uow_id, outcome.session, outcome.fence)
                if uow is None or (uow.cancel_requested and outcome.event is not UowEvent.CANCELED):
                    continue
                ended = replace(
                    uow, state=state, failures=outcome.failures, rows=outcome.rows, reason=outcome.reason, finished_at=outcome.at
                )
                self._put_uow(ended)
                written.append(uow.id)
        return written

    def _claimed(self, uow_id: str, session: str, fence: int) -> UnitOfWork | None:
        """Return the unit of work if it runs under that session and fence."""
        uow = self._uows.get(uow_id)
        if uow is None or uow.state is not UowState.IN_PROGRESS or (uow.session, uow.fence) != (session, fence):
            return None
        return uow

    # -- sessions

    def open_session(self, session: Session) -> None:
        """See Store."""
        with self._lock:
            if session.id in self._sessions or session.id in self._closed:
                raise StoreError(f"session {session.id!r} was opened before: open one with a new id")
            self._sessions[session.id] = replace(session, facts=dict(session.facts))

    def beat(self, session_id: str, facts: dict[str, str]) -> BeatAnswer:
        """See Store."""
        with self._lock:
            session = self._sessions.get(session_id)
            if session is None:
                return BeatAnswer(is_open=False)
            self._sessions[session_id] = replace(session, beat=session.beat + 1, facts=dict(facts))
            claims = self._claims.get(session_id, ())
            return BeatAnswer(is_open=True, cancels=tuple(sorted(n for n in claims if self._uows[n].cancel_requested)))

    def sessions(self) -> list[Session]:
        """See Store."""
        with self._lock:
            return list(self._sessions.values())

    def beat_of(self, session_id: str) -> int | None:
        """See Store."""
        with self._lock:
            session = self._sessions.get(session_id)
            return session.beat if session else None

    def close_sessions(self, ids: Sequence[str]) -> None:
        """See Store."""
        with self._lock:
            self._close(ids)

    def _close(self, ids: Iterable[str]) -> None:
        for session_id in ids:
            session = self._sessions.pop(session_id, None)
            if session is not None:
                self._closed[session_id] = session

    def expire_sessions(self, beats: Mapping[str, int]) -> list[str]:
        """See Store."""
        with self._lock:
            stale = [i for i, beat in beats.items() if i in self._sessions and self._sessions[i].beat == beat]
            self._close(stale)
            return stale

    # -- commands

    def add_command(self, command: Command) -> int:
        """See Store."""
        with self._lock:
            number = self._last_command = self._last_command + 1
            self._commands[number] = stored = replace(command, number=number)
            if stored.state is CommandState.OPEN:
                self._open_commands[number] = stored
            return number

    def open_commands(self, limit: int) -> list[Command]:
        """See Store."""
        with self._lock:
            return list(islice(self._open_commands.values(), max(0, limit)))

    def latest_commands(self, before: int, limit: int) -> list[Command]:
        """See Store."""
        with self._lock:
            found = sorted((number for number in self._commands if not before or number < before), reverse=True)
            return [self._commands[number] for number in found[: max(0, limit)]]

    def command(self, number: int) -> Command:
        """See Store."""
        with self._lock:
            try:
                return self._commands[number]
            except KeyError:
                raise NotFound(f"there is no command {number}: numbers go from 1 to {self._last_command}") from None

    # -- switches

    def switches(self) -> list[Switch]:
        """See Store."""
        with self._lock:
            return list(self._switches.values())

    # -- output of attempts

    def append_output(self, pieces: Sequence[OutputPiece]) -> None:
        """See Store."""
        with self._lock:
            for piece in pieces:
                self._output[piece.uow_id][piece.fence, piece.offset] = piece

    def output(self, uow_id: str) -> list[OutputPiece]:
        """See Store."""
        with self._lock:
            pieces = self._output.get(uow_id, {})
            return [pieces[place] for place in sorted(pieces)]

    # -- registered processes

    def processes(self) -> list[ProcessRow]:
        """See Store."""
        with self._lock:
            return [self._processes[name] for name in sorted(self._processes)]

    def contexts(self) -> list[ContextRow]:
        """See Store."""
        with self._lock:
            return list(self._contexts.values())
