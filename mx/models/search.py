"""What a person may mean by a few words: processes, periods, units of work, freerun entries, commands."""

from __future__ import annotations

from pydantic import Field

from mx.models.base import Model


class Hit(Model):
    """One thing that was found. Which fields it fills depends on `kind`."""

    kind: str = Field(description="`process`, `job`, `uow`, `entry`, `command`, `tree`, `queue` or `box`")
    name: str = Field(description="how people call it")
    text: str = Field(description="what it is, or how it stands")
    process: str = ""
    timeperiod: str = ""
    entry: str = ""
    number: int = 0
    is_exact: bool = Field(default=False, description="whether the words name just this")


class Found(Model):
    """The hits, best first. `near` are names that are written alike, where nothing was found."""

    words: str
    hits: tuple[Hit, ...]
    is_all: bool = Field(description="whether these are all")
    near: tuple[str, ...]
