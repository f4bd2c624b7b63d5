"""What does a person see of one job? State, why it does not run, attempts, what they printed, inputs and users, and its log."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from mx.models.base import Model
from mx.models.why import Why


class JobPlace(Model):
    """A job by its names, with its state."""

    process: str
    timeperiod: str
    state: str = Field(description="the state's label, such as state_processed")


class Usual(Model):
    """What the attempts of a process that succeeded last took."""

    seconds: float = Field(description="the median")
    long_s: float = Field(description="the longest but for the worst tenth (p90)")
    runs: int = Field(description="of how many")


class Attempt(Model):
    """One unit of work with its last attempt, or one of its earlier attempts, of which less is known."""

    uow: str = Field(description="process/timeperiod/generation/run")
    fence: int = Field(description="the number of the attempt, growing; 0 where it is not known")
    state: str = Field(description="requested, in_progress, invalid (failed, due again), processed, noop, canceled; failed (earlier)")
    queue: str = ""
    requested_at: datetime | None = None
    started_at: datetime | None = Field(default=None, description="by the worker's clock")
    ended_at: datetime | None = Field(default=None, description="by the worker's clock")
    seconds: float | None = Field(default=None, description="how long it took, or has taken so far")
    box: str = Field(default="", description="the machine it ran on")
    session: str = Field(default="", description="the session of the worker that ran it")
    rows: int | None = None
    reason: str = Field(default="", description="exit code or error, as its owner said it")
    failures: int = Field(default=0, description="how many attempts of this unit of work failed so far")
    losses: int = Field(default=0, description="how many were lost with their worker")
    is_ending: bool = Field(default=False, description="it was called off, and its worker is told")


class JobDetail(Model):
    """One job as it stands."""

    process: str
    timeperiod: str
    qualifier: str = Field(description="such as _hourly")
    tree: str = Field(description="empty where it is in none")
    page: str = Field(default="", description="the page of tree tiles that shows it")
    time_zone: str
    start: datetime = Field(description="where its period begins, on the clocks of its zone")
    end: datetime = Field(description="where its period ends")
    state: str = Field(description="the state's label, such as state_in_progress")
    is_archived: bool = Field(description="it is finished, and only its state is kept")
    held: str = Field(default="", description="why an operator must release it, empty when nobody must")
    failing_since: datetime | None = None
    late_since: datetime | None = Field(default=None, description="the deadline that it has missed")
    deadline: datetime | None = Field(default=None, description="when it should be finished")
    due_at: datetime | None = Field(default=None, description="when its period is due")
    retry_at: datetime | None = None
    again_at: datetime | None = Field(default=None, description="when the next run on the open period is due")
    changed_at: datetime | None = None
    turn: int = 0
    generation: int = 0
    run: int = 0
    failures: int = 0
    reason: str = ""
    is_with_worker: bool = Field(default=False, description="its unit of work is requested or in progress")
    why: Why
    usual: Usual | None = None
    attempts: tuple[Attempt, ...] = Field(default=(), description="the last ones first, at most 50 units of work")
    previous: str = Field(default="", description="the period before, empty where the process has none")
    next: str = ""
    ancestors: tuple[JobPlace, ...] = Field(default=(), description="the enclosing periods, the coarsest first")
    children: tuple[JobPlace, ...] = Field(default=(), description="the first unfinished child, else the first one")
    group: tuple[str, str] | None = Field(default=None, description="first period and the one that runs, where several run as one")


class Neighbour(Model):
    """Periods of one process that a job waits for, or that wait for it."""

    process: str
    first: str
    last: str
    count: int = Field(description="how many periods")
    finished: int
    state: str = Field(description="the state of the one, or mixed; before_start where none of them exists")
    look_at: str = Field(description="the first of them that is not finished, else the first")
    relation: str = Field(description="child, dependency, order; parent or dependant of those that use it")


class Neighbours(Model):
    """What a job waits for and who waits for it, one step each way. `more_*` were left out."""

    inputs: tuple[Neighbour, ...]
    users: tuple[Neighbour, ...]
    more_inputs: int = 0
    more_users: int = 0


class JobEvent(Model):
    """One line of a job's log."""

    at: datetime
    what: str
    who: str = Field(description="an operator, a worker's session, or the scheduler")
    text: str
    turn: int = Field(description="the turn that decided it, 0 where none did")


class Printed(Model):
    """A part of what an attempt printed."""

    uow: str
    fence: int
    text: str
    begin: int = Field(description="the byte that it begins at; what lies before the first one shown was left out")
    end: int = Field(description="the byte after it: ask from here for what comes next")
    is_running: bool = Field(description="more may come")
    attempts: tuple[int, ...] = Field(default=(), description="the attempts of this unit of work that printed something, the last 20")
