"""What ran when, where, and for how long?"""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from mx.models.base import Model


class Run(Model):
    """The last attempt of one unit of work."""

    uow: str
    process: str
    timeperiod: str = Field(description="the period, or of a freerun process its entry")
    is_managed: bool
    box: str
    session: str = Field(description="the worker's session")
    state: str = Field(description="in_progress, processed, noop, canceled, or failed")
    started_at: datetime
    ended_at: datetime | None = Field(description="none where it still runs")
    seconds: float
    rows: int | None
    reason: str
    is_backfill: bool = Field(description="it was queued apart from live work")


class ProcessRuns(Model):
    """How long the runs of one process took in a time, of those that are read."""

    process: str
    runs: int
    failed: int
    p50_s: float | None
    p90_s: float | None
    longest_s: float | None


class Runs(Model):
    """What ran in `[since, until)`, the last begun first."""

    since: datetime
    until: datetime
    runs: tuple[Run, ...]
    processes: tuple[ProcessRuns, ...]
    is_cut: bool = Field(description="there were more than are told; the last begun are")
    looked_back_to: datetime = Field(description="what began before this and ran into the time is not among them")
    boxes: tuple[str, ...] = Field(description="the boxes that there are to choose from")
