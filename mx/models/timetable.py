"""What does the heat map show? Processes by units of time, each cell the worst state of the periods inside it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from mx.models.base import Model

Unit = Literal["years", "months", "days", "hours", "minutes", "seconds"]
# The worst first: a cell shows the worst of its periods. `future` is not due yet; `none` is no period of the process.
CELL_STATES = (
    "failing", "held", "late", "in_progress", "final_run", "embryo", "skipped", "processed", "noop", "future", "none",
)  # fmt: skip


class Column(Model):
    """One unit of time."""

    place: str = Field(description="what names it: 2013, 201311, 20131104, 2013110413 and so on")
    label: str = Field(description="what stands at its head, such as `04`")
    note: str = Field(description="what else is good to know of it, such as the day of the week; may be empty")
    start: datetime


class Cell(Model):
    """What one process has in one unit of time, or in several where its own periods are longer."""

    column: int = Field(description="the first column that it covers, from 0")
    width: int = Field(description="how many columns it covers")
    state: str = Field(description="one of CELL_STATES: that of the worst period")
    finished: int
    total: int = Field(description="how many periods it stands for")
    counts: dict[str, int] = Field(description="periods by state; failing, held and late ones are counted beside their own")
    timeperiod: str = Field(description="the period, where it stands for a single one; else empty")


class Row(Model):
    """One process."""

    process: str
    tree: str
    qualifier: str
    unfinished: int = Field(description="due and unfinished, over all of its time")
    is_on: bool
    cells: tuple[Cell, ...]


class Crumb(Model):
    """A place that contains the one that is shown."""

    place: str = Field(description="empty for all of time")
    label: str


class HeatMap(Model):
    """A page of the heat map."""

    at: datetime
    place: str = Field(description="what is shown: empty for all years, 2013 for its months, 201311 for its days ...")
    unit: Unit = Field(description="what a column is")
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    crumbs: tuple[Crumb, ...] = Field(description="from all of time down to what is shown")
    earlier: str | None = Field(description="the place before this one, none where no process has anything there")
    later: str | None = Field(description="the place after this one, none where no process has anything there")
    page: int = Field(description="from 1")
    pages: int
    processes: int = Field(description="how many processes match the filter")
    trees: tuple[str, ...] = Field(description="all trees there are")
