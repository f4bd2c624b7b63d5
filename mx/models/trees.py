"""What does a person see of trees? Pages of them, and in each tree a column of tiles per level."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from mx.models.base import Model


class TreeLine(Model):
    """One tree of the list."""

    name: str = Field(description="as the context calls it")
    title: str = Field(description="its mx_name, else its name")
    page: str = Field(description="its mx_page, else its name")
    processes: tuple[str, ...] = Field(description="the coarsest first")
    dependent_on: tuple[str, ...]
    time_zone: str
    due: int
    finished: int
    held: int
    failing: int


class Tile(Model):
    """One period of one level."""

    timeperiod: str
    state: str
    phase: str = Field(default="", description="held, failing, requested (a worker may have it) or waiting, where its job is under way")
    is_due: bool
    is_late: bool = False
    is_selected: bool = False
    children: int = Field(default=0, description="how many periods of the next finer level it holds")
    children_finished: int = 0


class Column(Model):
    """The periods of one level that the period chosen to the left holds; of the coarsest level the newest ones."""

    process: str
    qualifier: str
    machine: str
    blocking: str
    schedule: str
    is_on: bool
    next: datetime | None = Field(description="when its schedule fires next")
    tiles: tuple[Tile, ...] = Field(description="the newest first, at most 40")
    total: int = Field(description="how many periods there are")
    newer: str = Field(default="", description="a period of the block before, empty where there is none")
    older: str = Field(default="", description="a period of the block after")


class TreeTiles(Model):
    """One tree with its columns, the coarsest first."""

    line: TreeLine
    columns: tuple[Column, ...]
