"""What does keeping house ask of a store? Verbs that find what is old, a little at a time, and remove it. Part of the port `Store`.

Whoever removes something has made sure that nothing needs it any more; the verbs only refuse what would break the store's own promises.
A place is a text that only the store understands; '' is the beginning, and, as an answer, the end.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from db.model import Command, Event, Job, UnitOfWork

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """What was found between two places; `next` is the place to go on from, '' when that was the end."""

    found: list[T]
    next: str


@dataclass(frozen=True, slots=True)
class Floor:
    """The highest generation and fence of any job of a process whose record was removed; 0 before the first.

    A job without a record starts anew above them, so no unit of work gets the id of an earlier one, and no fence comes twice.
    """

    generation: int = 0
    fence: int = 0


class Keeping(ABC):
    """Finding and removing what is old. Each call looks at no more than `limit` records, so its cost is bounded."""

    @abstractmethod
    def old_uows(self, before: datetime, after: str, limit: int) -> Page[UnitOfWork]:
        """Look at the `limit` units of work after a place; return those that are finished, and ended before `before`.

        One that never began counts from its opening. A pass from place to place comes by each that is there all the time, once.
        """

    @abstractmethod
    def old_jobs(self, before: datetime, after: str, limit: int) -> Page[Job]:
        """Look at the `limit` jobs after a place; return those that are finished and were changed last before `before`."""

    @abstractmethod
    def old_commands(self, before: datetime, after: str, limit: int) -> Page[Command]:
        """Look at the `limit` commands after a place; return those that are answered and were given before `before`."""

    @abstractmethod
    def old_events(self, before: datetime, after: str, limit: int) -> Page[Event]:
        """Look at the `limit` events after a place; return those that happened before `before`."""

    @abstractmethod
    def printed(self, after: str, limit: int) -> Page[str]:
        """Return the ids of the `limit` units of work after a place whose output is kept."""

    @abstractmethod
    def remove_uows(self, ids: Sequence[str]) -> None:
        """Remove those units of work that are finished."""

    @abstractmethod
    def remove_jobs(self, jobs: Sequence[Job]) -> None:
        """Remove the records of `jobs` whose `turn` is still the given one, and the events of these up to that turn.

        Before it the floor of their processes is raised, where it is lower, to the highest generation and fence among `jobs`.
        """

    @abstractmethod
    def remove_turns(self, upto: int) -> None:
        """Remove the turns up to that number. `insert_turn` goes on to refuse these numbers. The caller sees to how many that are."""

    @abstractmethod
    def remove_commands(self, numbers: Sequence[int]) -> None:
        """Remove those commands that are answered. No number is ever given again; to see to that, the latest command may stay."""

    @abstractmethod
    def remove_events(self, events: Sequence[Event]) -> None:
        """Remove events, each known by its job or entry, its turn and its place."""

    @abstractmethod
    def remove_output(self, uow_ids: Sequence[str]) -> None:
        """Remove the output of units of work."""

    @abstractmethod
    def remove_sessions(self, before: datetime, limit: int) -> int:
        """Remove at most `limit` closed sessions that were opened before `before`; returns how many that were."""

    @abstractmethod
    def floor(self, process: str) -> Floor:
        """Return the floor of a process."""

    @abstractmethod
    def sizes(self) -> dict[str, int]:
        """Return how many records of each kind there are. Counts them all: for a person, not for a page."""
