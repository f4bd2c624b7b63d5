"""What does a list of jobs show: one row a job, and the units of work that a job had?"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from mx.models.base import Model

State = Literal["embryo", "in_progress", "final_run", "processed", "noop", "skipped"]
Phase = Literal["held", "failing", "running", "requested", "waiting"]
Order = Literal["newest", "oldest"]
# Where a row stands in a list: the end of its period, and its process.
JobPlace = tuple[datetime, str]


class JobFilter(Model):
    """Which jobs are wanted. Empty: all that have begun. `since` and `until` bound the end of the period, the latter left out."""

    processes: tuple[str, ...] = ()
    state: State | None = None
    phase: Phase | None = None
    late: bool = False
    since: datetime | None = None
    until: datetime | None = None
    order: Order = "newest"


class JobRow(Model):
    """One job of a list."""

    process: str
    timeperiod: str
    state: State
    ends_at: datetime = Field(description="when its period ends")
    phase: Phase | None = Field(default=None, description="what it is at while it is under way")
    late_since: datetime | None = Field(default=None, description="the deadline that it has missed while it is unfinished")
    changed_at: datetime | None = Field(default=None, description="when that was; of a finished job only on a page of few processes")
    generation: int | None = None
    run: int | None = None
    failures: int = 0
    reason: str = ""


class JobRows(Model):
    """Some rows of a list, in its order; `is_more`: others come after them."""

    rows: tuple[JobRow, ...]
    is_more: bool


class UowRow(Model):
    """One unit of work: a task that was sent to a worker, and what became of it."""

    id: str
    process: str
    timeperiod: str
    state: str = Field(description="`requested`, `in_progress`, `invalid` (waits for its next attempt), `processed`, `noop` or `canceled`")
    queue: str
    start_timeperiod: str
    end_timeperiod: str = Field(description="the first period that is left out")
    opened_at: datetime
    started_at: datetime | None = Field(description="of the last attempt, by its worker's clock")
    finished_at: datetime | None
    fence: int
    session: str
    failures: int = Field(description="attempts that ran and failed")
    losses: int = Field(description="claims whose worker was lost")
    cancel_requested: bool
    rows: int | None
    reason: str
