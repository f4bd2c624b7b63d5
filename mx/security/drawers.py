"""How are records of one kind found and changed, where several mx share a store? A drawer for each kind, over the papers of the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from pydantic import ValidationError

from db.model_papers import Paper
from mx.security.records import Record
from system.errors import StoreError

R = TypeVar("R", bound=Record)

_TRIES = 20
_PAGE = 200


class Shelf(Protocol):
    """What is asked of a store; each verb as `db/papers.py` has it."""

    def paper(self, kind: str, key: str) -> Paper | None:
        """Return one paper."""
        ...

    def papers(self, kind: str, after: str, limit: int) -> list[Paper]:
        """Return some papers by key."""
        ...

    def put_paper(self, paper: Paper) -> bool:
        """Write a paper where the one before it is still there."""
        ...

    def drop_paper(self, kind: str, key: str, version: int) -> bool:
        """Remove a paper that is still the same."""
        ...

    def drop_papers(self, kind: str, before: datetime, limit: int) -> int:
        """Remove what is over."""
        ...


@dataclass(frozen=True, slots=True)
class Kept(Generic[R]):
    """A record as it was read: under which key, and which writing of it."""

    key: str
    record: R
    version: int


class Drawer(Generic[R]):
    """The records of one kind."""

    def __init__(self, shelf: Shelf, kind: str, model: type[R]) -> None:
        self._shelf = shelf
        self._kind = kind
        self._model = model

    def find(self, key: str) -> Kept[R] | None:
        """Return a record, None where there is none."""
        found = self._shelf.paper(self._kind, key)
        return self._read(found) if found else None

    def get(self, key: str) -> R | None:
        """Return a record without how it is kept, None where there is none."""
        found = self.find(key)
        return found.record if found else None

    def all(self, after: str = "") -> Iterator[Kept[R]]:
        """Yield the records by key, read some at a time."""
        while True:
            found = self._shelf.papers(self._kind, after, _PAGE)
            yield from map(self._read, found)
            if len(found) < _PAGE:
                return
            after = found[-1].key

    def some(self, limit: int) -> list[Kept[R]]:
        """Return the first records by key."""
        return [self._read(found) for found in self._shelf.papers(self._kind, "", limit)]

    def add(self, key: str, record: R) -> bool:
        """Keep a record; returns False where there is one of that key."""
        return self._put(key, record, 1)

    def change(self, key: str, changed: Callable[[R], R]) -> R | None:
        """Make of a record what `changed` says, which may be asked several times; returns it as it stands then, None where it is gone."""
        for _ in range(_TRIES):
            found = self.find(key)
            if found is None:
                return None
            record = changed(found.record)
            if record == found.record or self._put(key, record, found.version + 1):
                return record
        raise StoreError(f"{self._kind} {key!r} is written by others again and again: try once more")

    def change_or_add(self, key: str, changed: Callable[[R | None], R]) -> R:
        """Make of a record, or of nothing, what `changed` says, which may be asked several times; returns it as it stands then."""
        for _ in range(_TRIES):
            found = self.find(key)
            record = changed(found.record if found else None)
            if self._put(key, record, found.version + 1 if found else 1):
                return record
        raise StoreError(f"{self._kind} {key!r} is written by others again and again: try once more")

    def touch(self, kept: Kept[R], record: R) -> None:
        """Write a record anew, unless somebody else did so meanwhile: for what need not be exact."""
        self._put(kept.key, record, kept.version + 1)

    def drop(self, key: str) -> bool:
        """Remove a record, whatever it says; returns whether it was this call that removed it."""
        found = self._shelf.paper(self._kind, key)
        return found is not None and self._shelf.drop_paper(self._kind, key, found.version)

    def drop_kept(self, kept: Kept[R]) -> bool:
        """Remove a record that still is as it was read; returns whether it was this call that removed it."""
        return self._shelf.drop_paper(self._kind, kept.key, kept.version)

    def drop_over(self, now: datetime, limit: int = 100) -> int:
        """Remove some of the records that nobody needs any more; returns how many that were."""
        return self._shelf.drop_papers(self._kind, now, limit)

    def _put(self, key: str, record: R, version: int) -> bool:
        return self._shelf.put_paper(Paper(self._kind, key, version, record.model_dump_json(), record.until))

    def _read(self, paper: Paper) -> Kept[R]:
        try:
            return Kept(paper.key, self._model.model_validate_json(paper.text), paper.version)
        except ValidationError as error:
            # Not the text, which may hold a hash; `from None`, since pydantic's message would quote it.
            said = f"{error.error_count()} faults" if error.error_count() > 1 else "1 fault"
            problem = f"the record of {self._kind} {paper.key!r} can't be read ({said})"
            raise StoreError(f"{problem}: a newer Horarium wrote it, or it is damaged") from None
