"""How does MongoDB keep the records? The store over a pymongo database; no other file names that driver.

Every write is one document, conditional where the port says so; a batch is an unordered bulk of such writes. A standalone server serves.
What was won is known by stamping each write with a token of its own and reading back by it. `_id` carries what is unique.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from threading import Lock
from uuid import uuid4

from pymongo import ReplaceOne, ReturnDocument
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from db.contexts import ContextRow, row_context
from db.documents import (
    Row,
    command_row,
    facts_text,
    moment_text,
    outcome_row,
    piece_row,
    row_chunk,
    row_command,
    row_event,
    row_job,
    row_piece,
    row_process,
    row_session,
    row_switch,
    session_row,
)
from db.entries import Entry, row_entry
from db.model import (
    BeatAnswer,
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
    UnitOfWork,
)
from db.mongo_boxes import MongoBoxes
from db.mongo_bulk import Change, change, fetch, write
from db.mongo_client import Talk
from db.mongo_facts import MongoFacts
from db.mongo_keeping import MongoKeeping, below, document_uow
from db.mongo_looking import MongoLooking
from db.mongo_moving import MongoMoving
from db.mongo_papers import MongoPapers
from db.mongo_projection import THREADS, MongoProjection, job_id
from db.mongo_schema import prepare
from db.mongo_turns import MongoTurns
from system.errors import NotFound, StoreError
from system.lifecycle import UOW_LIFECYCLE, UowEvent, UowState, advance

_IN_PROGRESS = UowState.IN_PROGRESS.value
_CLAIMABLE: Row = {"state": UowState.REQUESTED.value, "cancel_requested": False}
_CLAIMED_STATE = advance(UOW_LIFECYCLE, UowState.REQUESTED, UowEvent.CLAIMED).value


class MongoStore(MongoTurns, MongoProjection, MongoBoxes, MongoFacts, MongoKeeping, MongoLooking, MongoMoving, MongoPapers):
    """A store in one MongoDB database, whose client it closes."""

    def __init__(self, database: Database[Row]) -> None:
        self._database = database
        self._talk = Talk(database.client)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="project")  # the first one starts with the first turn
        self._marks = []
        self._marks_lock = Lock()
        self._own = None
        self._meta = database["meta"]
        self._turns = database["turns"]
        self._turn_parts = database["turn_parts"]
        self._jobs = database["jobs"]
        self._chunks = database["chunks"]
        self._uows = database["uows"]
        self._sessions = database["sessions"]
        self._commands = database["commands"]
        self._events = database["events"]
        self._switches = database["switches"]
        self._contexts = database["contexts"]
        self._floors = database["floors"]
        self._output = database["output"]
        self._processes = database["processes"]
        self._entries = database["entries"]

    def prepare(self) -> None:
        """See Store."""
        prepare(self._database, self._talk)

    def close(self) -> None:
        """See Store."""
        self.let_threads_go()
        with self._talk():
            self._database.client.close()

    # -- jobs and chunks

    def active_jobs(self) -> list[Job]:
        """See Store."""
        with self._talk():
            return [row_job(document) for document in self._jobs.find({"active": True})]

    def jobs(self, process: str, timeperiods: Sequence[str]) -> list[Job]:
        """See Store."""
        with self._talk():
            return [row_job(document) for document in fetch(self._jobs, [job_id(process, timeperiod) for timeperiod in timeperiods])]

    def chunks(self, processes: Sequence[str]) -> Iterator[Chunk]:
        """See Store."""
        with self._talk():  # all at once: what a generator's caller does meanwhile is not ours
            found = list(self._chunks.find({"process": {"$in": list(processes)}}))
        yield from map(row_chunk, found)

    def entries(self) -> list[Entry]:
        """See Store."""
        with self._talk():
            return [row_entry(document["body"]) for document in self._entries.find({})]

    def events(self, process: str, timeperiod: str, limit: int) -> list[Event]:
        """See Store."""
        if limit < 1:  # to the driver, 0 is no limit
            return []
        latest_first = [("turn", -1), ("place", -1)]
        with self._talk():
            found = self._events.find({"process": process, "timeperiod": timeperiod}, sort=latest_first, limit=limit)
            return [row_event(document) for document in found]

    # -- units of work

    def uows(self, ids: Sequence[str]) -> list[UnitOfWork]:
        """See Store."""
        with self._talk():
            return [document_uow(document) for document in fetch(self._uows, ids)]

    def uows_of(self, process: str, timeperiod: str, limit: int) -> list[UnitOfWork]:
        """See Store."""
        if limit < 1:  # to the driver, 0 is no limit
            return []
        last_first = [("opened_at", -1), ("_id", -1)]
        with self._talk():
            found = self._uows.find({"_id": below(f"{process}/{timeperiod}")}, sort=last_first, limit=limit)
            return [document_uow(document) for document in found]

    def fires(self, process: str, entry: str, limit: int) -> list[UnitOfWork]:
        """See Store."""
        if limit < 1:
            return []
        with self._talk():
            found = self._uows.find({"_id": below(f"{process}/{entry}")}, sort=[("_id", -1)], limit=limit)
            return [document_uow(document) for document in found]

    def claim(self, ids: Sequence[str], session: str, at: datetime) -> list[UnitOfWork]:
        """See Store."""
        names = sorted(set(ids))
        if 0 < len(names) <= THREADS:
            return self._claim_each(names, session, at)
        token = uuid4().hex
        wanted = {"$in": names}  # in order, so that two who want the same wait for each other and not in a circle
        with self._talk():
            self._uows.update_many({"_id": wanted, **_CLAIMABLE}, _claimed(session, at, claim=token))
            # By state too: a claim that was taken away in between is not ours any more.
            found = self._uows.find({"_id": wanted, "claim": token, "state": _IN_PROGRESS})
            return [document_uow(document) for document in found]

    def _claim_each(self, ids: Sequence[str], session: str, at: datetime) -> list[UnitOfWork]:
        """Claim by a call each, all at once: so whoever gets a few waits for one answer, and not for two."""
        won: list[Row] = []

        def claim(uow_id: str) -> None:
            found = self._uows.find_one_and_update(
                {"_id": uow_id, **_CLAIMABLE}, _claimed(session, at), return_document=ReturnDocument.AFTER
            )
            if found:
                won.append(found)

        first, *others = (partial(claim, uow_id) for uow_id in ids)
        self._at_once(others, lambda: self._step(first))
        return [document_uow(document) for document in won]

    def give_back(self, claims: Sequence[UnitOfWork]) -> list[str]:
        """See Store."""
        given: Row = {"state": advance(UOW_LIFECYCLE, UowState.IN_PROGRESS, UowEvent.GIVEN_BACK).value, "session": ""}
        return self._end([(claim.id, _running(claim.session, claim.fence), given) for claim in claims])

    def finish(self, outcomes: Sequence[Outcome]) -> list[str]:
        """See Store."""
        return self._end([(outcome.uow_id, _may_end(outcome), outcome_row(outcome)) for outcome in outcomes])

    def _end(self, ends: Sequence[Change]) -> list[str]:
        """Write each and return the ids that were written."""
        token = uuid4().hex
        ids = [str(uow_id) for uow_id, _, _ in ends]
        with self._talk():
            if change(self._uows, ends, end=token) == len(ids):
                return ids
            # Another attempt that started and ended in between would hide ours. It costs a report, which the sweep makes up for.
            found = {document["_id"] for document in self._uows.find({"_id": {"$in": ids}, "end": token}, {"_id": 1})}
        return [uow_id for uow_id in dict.fromkeys(ids) if uow_id in found]

    # -- sessions

    def open_session(self, session: Session) -> None:
        """See Store."""
        with self._talk():
            try:
                self._sessions.insert_one({"_id": session.id, **session_row(session), "open": True})
            except DuplicateKeyError as error:
                raise StoreError(f"session {session.id!r} was opened before: open one with a new id") from error

    def beat(self, session_id: str, facts: dict[str, str]) -> BeatAnswer:
        """See Store."""
        with self._talk.brief():
            beaten = self._sessions.update_one(
                {"_id": session_id, "open": True}, {"$inc": {"beat": 1}, "$set": {"facts": facts_text(facts)}}
            )
            if not beaten.matched_count:
                return BeatAnswer(is_open=False)
            found = self._uows.find({"session": session_id, "state": _IN_PROGRESS, "cancel_requested": True}, {"_id": 1})
            return BeatAnswer(is_open=True, cancels=tuple(sorted(document["_id"] for document in found)))

    def sessions(self) -> list[Session]:
        """See Store."""
        with self._talk():
            return [row_session(document) for document in self._sessions.find({"open": True})]

    def beat_of(self, session_id: str) -> int | None:
        """See Store."""
        with self._talk():
            found = self._sessions.find_one({"_id": session_id, "open": True}, {"beat": 1})
            return int(found["beat"]) if found else None

    def close_sessions(self, ids: Sequence[str]) -> None:
        """See Store."""
        with self._talk():
            self._close(ids)

    def expire_sessions(self, beats: Mapping[str, int]) -> list[str]:
        """See Store."""
        closed = {"$set": {"open": False}}
        with self._talk():
            # One by one: few expire at a time, and each answer must be certain.
            return [
                session_id
                for session_id, beat in beats.items()
                if self._sessions.update_one({"_id": session_id, "open": True, "beat": beat}, closed).matched_count
            ]

    def _close(self, ids: Sequence[str]) -> None:
        if ids:
            self._sessions.update_many({"_id": {"$in": list(ids)}}, {"$set": {"open": False}})

    # -- commands

    def add_command(self, command: Command) -> int:
        """See Store."""
        row = command_row(command)
        with self._talk():
            # Each round that finds its number taken is a command of someone else that got through.
            while True:
                number = self.marks().last_command + 1
                try:
                    self._commands.insert_one({**row, "_id": number, "number": number})
                except DuplicateKeyError:
                    continue
                return number

    def open_commands(self, limit: int) -> list[Command]:
        """See Store."""
        if limit < 1:  # to the driver, 0 is no limit
            return []
        with self._talk():
            found = self._commands.find({"state": CommandState.OPEN.value}, sort=[("_id", 1)], limit=limit)
            return [row_command(document) for document in found]

    def latest_commands(self, before: int, limit: int) -> list[Command]:
        """See Store."""
        if limit < 1:  # to the driver, 0 is no limit
            return []
        with self._talk():
            found = self._commands.find({"_id": {"$lt": before}} if before else {}, sort=[("_id", -1)], limit=limit)
            return [row_command(document) for document in found]

    def command(self, number: int) -> Command:
        """See Store."""
        with self._talk():
            found = self._commands.find_one({"_id": number})
        if found is None:
            raise NotFound(f"there is no command {number}: numbers start at 1 and are given out in order")
        return row_command(found)

    # -- switches

    def switches(self) -> list[Switch]:
        """See Store."""
        with self._talk():
            return [row_switch(document) for document in self._switches.find({})]

    # -- output of attempts

    def append_output(self, pieces: Sequence[OutputPiece]) -> None:
        """See Store."""
        documents = {_piece_id(piece): piece_row(piece) for piece in pieces}
        with self._talk():
            write(self._output, [ReplaceOne({"_id": name}, document, upsert=True) for name, document in documents.items()])

    def output(self, uow_id: str) -> list[OutputPiece]:
        """See Store."""
        with self._talk():
            found = [row_piece(document) for document in self._output.find({"_id": below(uow_id)})]
        return sorted(found, key=lambda piece: (piece.fence, piece.offset))

    # -- registered processes

    def processes(self) -> list[ProcessRow]:
        """See Store."""
        with self._talk():
            return [row_process(document) for document in self._processes.find({}, sort=[("_id", 1)])]

    def contexts(self) -> list[ContextRow]:
        """See Store."""
        with self._talk():
            return [row_context(document) for document in self._contexts.find({})]


# -- documents and filters


def _piece_id(piece: OutputPiece) -> str:
    return f"{piece.uow_id}/{piece.fence}/{piece.offset}"


def _claimed(session: str, at: datetime, **also: object) -> Row:
    values = {"state": _CLAIMED_STATE, "session": session, "started_at": moment_text(at), **also}
    return {"$set": values, "$inc": {"fence": 1}}


def _running(session: str, fence: int) -> Row:
    return {"session": session, "fence": fence, "state": _IN_PROGRESS}


def _may_end(outcome: Outcome) -> Row:
    match = _running(outcome.session, outcome.fence)
    return match if outcome.event is UowEvent.CANCELED else {**match, "cancel_requested": False}
