"""What does a store tell of itself? Facts for whoever looks what is wrong; whether something is wrong is not the backend's to say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What a store is and how it stands. Nothing is changed to find that out, and the store need not be prepared.

    `server` is its product and version, such as `SQLite 3.45.1`. `unsupported` is a sentence that says which version is expected, empty
    where this one is good. `schema` is the version of the schema that was found, 0 where nothing was prepared yet, `known` the one that
    this program has. `missing` names what belongs to the found schema and is not there, such as `index job_active`. `now` is the
    server's clock; None: its clock is this box's own.
    """

    server: str
    schema: int
    known: int
    unsupported: str = ""
    missing: tuple[str, ...] = ()
    now: datetime | None = None

    @property
    def is_broken(self) -> bool:
        """Whether records can't be read; an index only makes that quicker."""
        return any(not name.startswith("index ") for name in self.missing)
