"""How does MongoDB find and remove what is old? Passes go by `_id`: no index serves them but the one that is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from pymongo import DeleteMany, UpdateOne
from pymongo.collection import Collection

from db.documents import Row, moment_text, row_command, row_event, row_job, row_uow
from db.keeping import Floor, Page
from db.model import Command, CommandState, Event, Job, UnitOfWork
from db.mongo_bulk import write
from db.mongo_client import Talk
from db.mongo_projection import event_id, job_id
from db.store import Store
from system.lifecycle import UOW_FINISHED

T = TypeVar("T")

_FINISHED = sorted(state.value for state in UOW_FINISHED)
_OPEN = CommandState.OPEN.value


def document_uow(document: Row) -> UnitOfWork:
    """Return the unit of work that a document holds."""
    return row_uow({**document, "id": document["_id"]})


def below(front: str) -> Row:
    """Return what an `_id` matches that begins with `front/`: a range, which the key serves. `0` is the character after `/`."""
    return {"$gt": f"{front}/", "$lt": f"{front}0"}


class MongoKeeping(Store):
    """The part of `MongoStore` that keeps house. A place is the `_id` of the last document that was looked at."""

    _talk: Talk
    _meta: Collection[Row]
    _turns: Collection[Row]
    _jobs: Collection[Row]
    _uows: Collection[Row]
    _events: Collection[Row]
    _sessions: Collection[Row]
    _commands: Collection[Row]
    _output: Collection[Row]
    _floors: Collection[Row]

    def old_uows(self, before: datetime, after: str, limit: int) -> Page[UnitOfWork]:
        """See Keeping."""
        moment = moment_text(before)

        def is_old(document: Row) -> bool:
            return document["state"] in _FINISHED and (document["finished_at"] or document["opened_at"]) < moment

        return self._page(self._uows, after, limit, is_old, document_uow)

    def old_jobs(self, before: datetime, after: str, limit: int) -> Page[Job]:
        """See Keeping."""
        moment = moment_text(before)
        return self._page(self._jobs, after, limit, lambda job: not job["active"] and job["changed_at"] < moment, row_job)

    def old_commands(self, before: datetime, after: str, limit: int) -> Page[Command]:
        """See Keeping."""
        moment = moment_text(before)
        place = int(after) if after else None
        return self._page(self._commands, place, limit, lambda c: c["state"] != _OPEN and c["given_at"] < moment, row_command)

    def old_events(self, before: datetime, after: str, limit: int) -> Page[Event]:
        """See Keeping."""
        moment = moment_text(before)
        return self._page(self._events, after, limit, lambda event: event["at"] < moment, row_event)

    def printed(self, after: str, limit: int) -> Page[str]:
        """See Keeping."""
        with self._talk():
            found: list[str] = []
            # One look-up each, by the key: an attempt may have printed any number of pieces.
            while len(found) < limit:
                beyond = {"_id": {"$gt": f"{last}0"}} if (last := found[-1] if found else after) else {}
                piece = self._output.find_one(beyond, {"uow_id": 1}, sort=[("_id", 1)])
                if piece is None:
                    return Page(found, "")
                found.append(piece["uow_id"])
        return Page(found, found[-1] if found else "")

    def remove_uows(self, ids: Sequence[str]) -> None:
        """See Keeping."""
        with self._talk():
            self._uows.delete_many({"_id": {"$in": list(ids)}, "state": {"$in": _FINISHED}})

    def remove_jobs(self, jobs: Sequence[Job]) -> None:
        """See Keeping."""
        with self._talk():
            write(self._floors, [_raised(job) for job in jobs])
            by_key = {job_id(job.process, job.timeperiod): job for job in jobs}
            there = {row["_id"]: row["turn"] for row in self._jobs.find({"_id": {"$in": list(by_key)}}, {"turn": 1})}
            for key, job in by_key.items():
                if there.get(key) == job.turn:
                    # The events first: nobody would find those of a job that is gone, should this end in between.
                    of_job = {"process": job.process, "timeperiod": job.timeperiod}
                    self._events.delete_many({**of_job, "turn": {"$lte": job.turn}})
                    self._jobs.delete_one({"_id": key, "turn": job.turn})

    def remove_commands(self, numbers: Sequence[int]) -> None:
        """See Keeping."""
        with self._talk():
            # The next number is one more than the latest one's, so that one stays.
            last = self._commands.find_one({}, {"_id": 1}, sort=[("_id", -1)])
            gone = [number for number in numbers if last and number != last["_id"]]
            self._commands.delete_many({"_id": {"$in": gone}, "state": {"$ne": _OPEN}})

    def remove_events(self, events: Sequence[Event]) -> None:
        """See Keeping."""
        with self._talk():
            self._events.delete_many({"_id": {"$in": [event_id(event) for event in events]}})

    def remove_output(self, uow_ids: Sequence[str]) -> None:
        """See Keeping."""
        with self._talk():
            write(self._output, [DeleteMany({"_id": below(uow_id)}) for uow_id in uow_ids])

    def remove_sessions(self, before: datetime, limit: int) -> int:
        """See Keeping."""
        closed = {"open": False, "opened_at": {"$lt": moment_text(before)}}
        if limit < 1:  # to the driver, 0 is no limit
            return 0
        with self._talk():
            found = [document["_id"] for document in self._sessions.find(closed, {"_id": 1}, limit=limit)]
            return self._sessions.delete_many({"_id": {"$in": found}, "open": False}).deleted_count

    def floor(self, process: str) -> Floor:
        """See Keeping."""
        with self._talk():
            found = self._floors.find_one({"_id": process})
        return Floor(int(found["generation"]), int(found["fence"])) if found else Floor()

    def sizes(self) -> dict[str, int]:
        """See Keeping."""
        counted = {
            "jobs": self._jobs,
            "units of work": self._uows,
            "events": self._events,
            "commands": self._commands,
            "sessions": self._sessions,
            "pieces of output": self._output,
        }
        with self._talk():
            turns = self._turns.count_documents({"_id": {"$gt": self.marks().removed_turns}})  # of others the number may be left
            return {"turns": turns, **{name: collection.count_documents({}) for name, collection in counted.items()}}

    def _page(
        self, collection: Collection[Row], after: Any, limit: int, is_old: Callable[[Row], bool], record: Callable[[Row], T]
    ) -> Page[T]:
        """Return the old ones among the next `limit` documents; all of these are fetched, so that the call's cost is known."""
        wanted = {"_id": {"$gt": after}} if after else {}
        with self._talk():
            found = list(collection.find(wanted, sort=[("_id", 1)], limit=limit))
        return Page([record(document) for document in found if is_old(document)], str(found[-1]["_id"]) if len(found) == limit else "")


def _raised(job: Job) -> UpdateOne:
    return UpdateOne({"_id": job.process}, {"$max": {"generation": job.generation, "fence": job.fence}}, upsert=True)
