"""How does MongoDB apply a turn to the records? Each collection in a thread of its own, so that a turn waits for the disk about once.
A turn that requests little is told of first, and the rest of it is written in peace.

What a collection gets is in the port's order where that matters: a unit of work is opened before it is moved. Answers come after all
else, so that whoever sees one sees what it tells of; last, the turn is known to be projected.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from threading import Lock

from pymongo import WriteConcern
from pymongo.collection import Collection

from db.contexts import context_row
from db.documents import JOB_COLUMNS, UOW_COLUMNS, Row, chunk_row, event_row, job_values, process_row, switch_row, uow_values
from db.entries import entry_row
from db.model import Answer, Cancel, Chunk, CommandState, Event, Job, Turn, UnitOfWork, UowMove, Widening
from db.mongo_bulk import Change, change, insert_new, upsert_newer
from db.mongo_client import Talk
from db.storable import kept, storable
from db.store import Store, nothing
from system.lifecycle import JOB_ACTIVE, UOW_ACTIVE, UOW_LIFECYCLE, UowState, advance

log = logging.getLogger(__name__)

# More hardly help: most turns touch units of work, jobs and chunks, and not much else.
THREADS = 4

# So few units of work are requested and told of before anything else is written: beside it they would wait for it, and workers for
# them. So few jobs are written by one statement.
FEW = 8

# A watermark that is lost in a failover is one that lags behind, which it may.
_LIGHTLY = WriteConcern(w=1)

_ACTIVE_STATES = sorted(state.value for state in UOW_ACTIVE)
_OF_JOB = ("process", "timeperiod")


class MongoProjection(Store):
    """The part of `MongoStore` that projects."""

    _talk: Talk
    _meta: Collection[Row]
    _jobs: Collection[Row]
    _chunks: Collection[Row]
    _uows: Collection[Row]
    _commands: Collection[Row]
    _events: Collection[Row]
    _switches: Collection[Row]
    _processes: Collection[Row]
    _entries: Collection[Row]
    _contexts: Collection[Row]
    _threads: ThreadPoolExecutor
    _marks: list[Future[None]]
    _marks_lock: Lock

    def project(self, turn: Turn, chunks: Sequence[Chunk], on_requested: Callable[[], None] = nothing) -> None:
        """See Store."""
        moves = [_move(move, turn.number) for move in turn.moves]  # before anything is written: an illegal one raises

        def request_and_tell() -> None:
            self._step(lambda: self._project_uows(turn, moves))
            on_requested()

        if 0 < len(turn.opened) <= FEW:
            request_and_tell()
            # One after another: all at once they would take the processors from the workers that have just been told.
            for step in self._steps(turn, chunks):
                self._step(step)
        else:
            self._at_once(self._steps(turn, chunks), request_and_tell)
        if turn.answers:
            self._step(lambda: change(self._commands, [_answer(answer, turn.number) for answer in turn.answers]))
        self._mark(turn.number)

    def _steps(self, turn: Turn, chunks: Sequence[Chunk]) -> list[Callable[[], object]]:
        """Return what writes a turn to the collections, but for its units of work and answers."""
        jobs = [_job_document(job) for job in turn.jobs]
        steps: list[tuple[object, Callable[[], object]]] = [
            (jobs, lambda: upsert_newer(self._jobs, jobs)),
            (chunks, lambda: upsert_newer(self._chunks, [{"_id": f"{c.process}/{c.number}", **chunk_row(c)} for c in chunks])),
            (turn.events, lambda: insert_new(self._events, [{"_id": event_id(event), **event_row(event)} for event in turn.events])),
            (turn.entries, lambda: upsert_newer(self._entries, [{"_id": entry.title, **entry_row(entry)} for entry in turn.entries])),
            (turn.switches, lambda: upsert_newer(self._switches, [{"_id": s.process, **switch_row(s)} for s in turn.switches])),
            (turn.registered, lambda: upsert_newer(self._processes, [{"_id": row.name, **process_row(row)} for row in turn.registered])),
            (turn.contexts, lambda: self._project_contexts(turn)),
            (turn.lost, lambda: self.close_sessions(turn.lost)),
        ]
        if len(jobs) > FEW:  # then two ways are shorter than one
            new: list[Row] = []
            old: list[Row] = []
            for job, document in zip(turn.jobs, jobs, strict=True):
                (new if _seems_new(job) else old).append(document)
            steps[:1] = (new, lambda: upsert_newer(self._jobs, insert_new(self._jobs, new))), (old, lambda: self._change_jobs(old))
        return [step for records, step in steps if records]

    def projected_turn(self) -> int:
        """See Store."""
        self._marked()
        with self._talk():
            found = self._meta.find_one({"_id": "projected"})
        return int(found["number"]) if found else 0

    def _mark(self, number: int) -> None:
        """Have the watermark raised, and don't wait for it: it may lag behind. One that fails is made good by the next turn's."""
        self._marked()
        raised, lightly = {"$max": {"number": number}}, self._meta.with_options(write_concern=_LIGHTLY)
        with self._marks_lock:
            self._marks.append(self._threads.submit(self._step, lambda: lightly.update_one({"_id": "projected"}, raised, upsert=True)))

    def _marked(self) -> None:
        """Wait until the watermark is where this store left it, or could not be brought there."""
        with self._marks_lock:
            for mark in self._marks:
                if error := mark.exception():
                    log.info("the watermark of projected turns lags behind until the next turn: %s", error)
            self._marks.clear()

    def _project_contexts(self, turn: Turn) -> None:
        rows = [replace(row, box=storable(row.box)) for row in turn.contexts]
        upsert_newer(self._contexts, [{"_id": f"{row.digest}/{row.box}", **context_row(row)} for row in rows])

    def _at_once(self, steps: Sequence[Callable[[], object]], mine: Callable[[], None]) -> None:
        """Do all steps, beside them `mine` in this thread; raises what the first of them raised once all have ended."""
        begun: list[Future[None]] = [self._threads.submit(self._step, step) for step in steps]
        try:
            mine()
        finally:
            for future in begun:
                future.exception()
        for future in begun:
            future.result()

    def _step(self, step: Callable[[], object]) -> None:
        with self._talk():
            step()

    def let_threads_go(self) -> None:
        """End the threads that projected."""
        self._marked()
        self._threads.shutdown()

    def _project_uows(self, turn: Turn, moves: Sequence[Change]) -> None:
        insert_new(self._uows, [_uow_document(uow) for uow in turn.opened])
        change(self._uows, map(_cancel, turn.cancels), cancel_requested=True)
        change(self._uows, moves)
        change(self._uows, [_widening(widening, turn.number) for widening in turn.widenings])

    def _change_jobs(self, old: Sequence[Row]) -> None:
        if change(self._jobs, map(_job_change, old)) < len(old):
            upsert_newer(self._jobs, old)  # some have no record yet, or a newer one


def job_id(process: str, timeperiod: str) -> str:
    """Return the `_id` of a job's document."""
    return f"{process}/{timeperiod}"


def event_id(event: Event) -> str:
    """Return the `_id` of an event's document."""
    return f"{event.process}/{event.timeperiod}/{event.turn}/{event.place}"


def _seems_new(job: Job) -> bool:
    """Return whether a job has no record yet, most likely."""
    return job.generation == 1 and job.run <= 1 and job.uow_state in (None, UowState.REQUESTED) and not job.failures


def _job_document(job: Job) -> Row:
    row = dict(zip(JOB_COLUMNS, kept(job_values(job)), strict=True))
    return {"_id": job_id(job.process, job.timeperiod), **row, "active": job.state in JOB_ACTIVE}


def _job_change(document: Row) -> Change:
    values = {name: value for name, value in document.items() if name not in ("_id", *_OF_JOB)}
    return document["_id"], {"turn": {"$lt": document["turn"]}}, values


def _uow_document(uow: UnitOfWork) -> Row:
    row: Row = dict(zip(UOW_COLUMNS, kept(uow_values(uow)), strict=True))
    return {"_id": row.pop("id"), **row}


def _answer(answer: Answer, number: int) -> Change:
    values: Row = {"state": answer.state.value, "answer": storable(answer.text), "turn": number}
    return answer.number, {"state": CommandState.OPEN.value}, values


def _cancel(cancel: Cancel) -> Change:
    return cancel.uow_id, {"state": {"$in": _ACTIVE_STATES}}, {"reason": storable(cancel.reason)}


def _move(move: UowMove, number: int) -> Change:
    state = advance(UOW_LIFECYCLE, move.before, move.event)
    values: Row = {"state": state.value, "losses": move.losses, "reason": storable(move.reason), "turn": number}
    if state is UowState.REQUESTED:
        values["session"] = ""
    return move.uow_id, {"state": move.before.value, "fence": move.fence, "turn": {"$lt": number}}, values


def _widening(widening: Widening, number: int) -> Change:
    match = {"state": UowState.REQUESTED.value, "fence": widening.fence, "turn": {"$lt": number}}
    return widening.uow_id, match, {"slice": storable(widening.slice), "turn": number}
