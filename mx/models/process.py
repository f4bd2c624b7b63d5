"""What does a person see of one process? What it is, how far it is, and how long its runs took."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from mx.models.base import Model
from mx.models.job import Usual


class ProcessCounts(Model):
    """How far a process is, over the periods that are due."""

    due: int
    finished: int
    by_state: dict[str, int] = Field(description="by the state's label")
    active: int
    held: int
    failing: int
    late: int
    through: str = Field(description="the watermark: complete through this period, empty where not even the first is finished")
    holes: int = Field(description="gaps before the last finished period")
    first_hole: str = ""
    first: str = Field(description="its first period, empty where none is due")
    last: str = Field(description="the last one that is due")


class LastRun(Model):
    """The last run of one of the newest finished or running periods."""

    timeperiod: str
    state: str = Field(description="the job's state")
    started_at: datetime | None
    seconds: float | None
    box: str
    rows: int | None
    reason: str


class ProcessNeed(Model):
    """What a process depends on by itself."""

    processes: tuple[str, ...]
    offset: int
    last: int
    any_of: bool
    optional: bool


class ProcessDetail(Model):
    """One process as it is registered, and how it stands."""

    name: str
    kind: str = Field(description="managed, freerun or daemon")
    description: str = ""
    owner: str = ""
    runs: str = Field(default="", description="the class path or the command line")
    queue: str = ""
    qualifier: str = ""
    machine: str = Field(default="", description="discrete, continuous or recomputing")
    blocking: str = ""
    tree: str = ""
    page: str = Field(default="", description="the page of tree tiles that shows its tree")
    time_zone: str = "UTC"
    grouping: int = 1
    boxes: str = Field(default="", description="the regular expressions of the boxes it may run on, empty: all")
    arguments: dict[str, str] = Field(default_factory=dict, description="as text, without secrets")
    limits: dict[str, str] = Field(default_factory=dict, description="lag, deadline, timeout, attempts and so on, those that are set")
    is_on: bool = True
    on_since: datetime | None = None
    on_who: str = ""
    on_why: str = ""
    schedule: str = ""
    own_schedule: str = Field(default="", description="what the context says")
    schedule_who: str = ""
    schedule_why: str = ""
    next: datetime | None = Field(default=None, description="when its schedule fires next; none for `every`")
    parent: str = ""
    child: str = ""
    dependencies: tuple[str, ...] = Field(default=(), description="by its tree")
    needs: tuple[ProcessNeed, ...] = Field(default=(), description="by itself")
    users: tuple[str, ...] = Field(default=(), description="who depends on it")
    entries: tuple[str, ...] = Field(default=(), description="of a freerun process: its entries")
    counts: ProcessCounts | None = Field(default=None, description="of managed processes")
    usual: Usual | None = None
    last_runs: tuple[LastRun, ...] = Field(default=(), description="newest first, at most 40")
