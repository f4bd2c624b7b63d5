"""What is registered: processes of all kinds, and the trees that they stand in, as the context says."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mx.models.base import Model

Kind = Literal["managed", "freerun", "daemon"]


class RegisteredProcess(Model):
    """One process. A freerun process stands here once, however many entries it has."""

    name: str
    kind: Kind
    qualifier: str = Field(default="", description="`_hourly`, `_daily`, `_monthly` or `_yearly`; empty where it has no timeperiods")
    machine: str = Field(default="", description="`discrete`, `continuous` or `recomputing`; empty where it has no timeperiods")
    tree: str = Field(default="", description="the tree that it stands in, empty for none")
    time_zone: str = Field(default="UTC", description="on whose clocks its periods begin and end")
    queue: str = ""
    description: str = ""
    owner: str = ""


class Watermark(Model):
    """Up to where a process is complete."""

    process: str
    through: str = Field(description="the last period up to which all are finished, empty where not even the first one is")
    holes: int = Field(description="gaps that finished periods come after")
    first_hole: str = Field(description="the period with which the first gap begins, empty for none")


class Level(Model):
    """How far a process is, over its periods that are due; of one that left the context over what it left behind."""

    tree: str
    process: str
    qualifier: str
    counts: dict[str, int] = Field(description="jobs by the label of their state")
    due: int
    finished: int
    active: int = Field(description="jobs under way")
    held: int
    failing: int
    open: int = Field(description="those under way whose period is not over")
    late: int
    first: str = Field(description="the first period that is due, empty for none")
    last: str = Field(description="the last period that is due, empty for none")
    is_retired: bool


class StatesChunk(Model):
    """The states of some consecutive periods of a process: one character a period."""

    process: str
    first: str = Field(description="the period of the first character")
    states: str = Field(
        description="`.` untouched, `r` in progress, `f` final run, `P` processed, `N` no data, `S` skipped; only periods that exist",
    )
