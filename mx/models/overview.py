"""What does the first page show? What needs a person, how far all is, what goes on, and who schedules."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from mx.models.base import Model

NeedKind = Literal["leader", "broker", "worker", "context", "box", "stuck", "missing", "audit", "late", "held", "failing", "missed", "dead"]


class Cause(Model):
    """What something waits for in the end: a leaf among its blockers."""

    kind: str = Field(description="the kind of blocker, such as `held` or `unit of work`")
    text: str = Field(description="a sentence without the final dot")
    process: str = Field(description="the process at which the cause lies, empty for none")
    timeperiod: str = Field(description="the period at which the cause lies, empty for none")
    look: str = Field(description="what to look at or to press on the box, empty for nothing")


class NeedLine(Model):
    """One thing that needs a person."""

    kind: NeedKind = Field(description="what sort of thing it is")
    process: str = Field(description="the process that it is about, empty for none")
    timeperiod: str = Field(description="the period; of a freerun process the name of the entry; empty for none")
    is_entry: bool = Field(description="whether it is about a freerun entry")
    since: datetime | None = Field(description="since when, where that is known")
    count: int = Field(description="how many periods, boxes or messages it stands for")
    text: str = Field(description="what is wrong, as a sentence without the final dot")
    look: str = Field(description="the command that shows or mends it on the box")
    cause: Cause | None = Field(description="the leaf cause, where that was looked into")


class Mark(Model):
    """Up to where a process is complete."""

    process: str
    qualifier: str = Field(description="how long its periods are, such as `hourly`")
    through: str = Field(description="the last period up to which all are finished, empty where not even the first one is")
    through_end: datetime | None = Field(description="when that period ended")
    holes: int = Field(description="gaps that finished periods come after")
    first_hole: str = Field(description="the period with which the first gap begins, empty for none")
    due: int = Field(description="how many periods are due")
    unfinished: int = Field(description="how many of those are not finished")
    is_on: bool = Field(description="whether the process is switched on")


class RunningLine(Model):
    """A unit of work that a worker has just now."""

    uow: str
    process: str
    timeperiod: str = Field(description="its period; of a freerun process the name of the entry")
    is_entry: bool
    box: str
    since: datetime | None = Field(description="when its attempt began, by the clock of that box")


class Minute(Model):
    """What happened in one minute."""

    at: datetime = Field(description="when the minute begins")
    processed: int = Field(description="jobs that became processed")
    noop: int = Field(description="jobs that became noop")
    skipped: int = Field(description="jobs that became skipped")
    open: int = Field(description="the most units of work that were requested or running at once")


class Recent(Model):
    """The last hour, minute by minute, the oldest first. What lies before `known_from` was not looked at yet."""

    minutes: tuple[Minute, ...]
    known_from: datetime | None = Field(description="from when on all of it is known; none before the first turn")


class QueueLine(Model):
    """How many messages wait in a queue."""

    queue: str
    depth: int


class FollowerLine(Model):
    """A scheduler that stands by."""

    session: str
    box: str
    turns_behind: int
    refusal: str = Field(description="why it would not lead, empty where it would")


class Leader(Model):
    """Who schedules, and how its last round went. Health is the age of that round."""

    session: str = Field(description="the session that leads, empty where none does")
    box: str
    since: datetime | None = Field(description="since when it leads, by its clock")
    last_turn: int = Field(description="the number of the last turn that decided something")
    last_turn_age_s: float | None = Field(description="seconds since its last round that succeeded")


class BoxLine(Model):
    """One process of one box, as its supervisor said last."""

    box: str
    process: str
    state: str = Field(description="in a few words, such as `runs`, `gone` or `crash loop`")
    running: int
    instances: int = Field(description="how many are wanted")
    told_at: datetime | None = Field(description="when its supervisor said so last, by that box's clock")
    is_good: bool = Field(description="whether it stands as it should")


class Totals(Model):
    """The sums over all processes that are on."""

    due: int
    finished: int
    active: int = Field(description="jobs under way")
    held: int
    failing: int
    is_done: bool = Field(description="whether all that is due is finished, and no command waits")
    is_stuck: bool = Field(description="whether what is left can't be done without a person")


class Overview(Model):
    """How all stands."""

    at: datetime
    totals: Totals
    needs: tuple[NeedLine, ...] = Field(description="the first of what needs a person, the gravest and oldest first")
    needs_total: int
    leader: Leader
    followers: tuple[FollowerLine, ...]
    boxes: tuple[BoxLine, ...]
    workers: int = Field(description="open sessions of workers")
    slots: int = Field(description="units of work that these can run at once")
    marks: tuple[Mark, ...] = Field(description="the first of the processes, those with holes or the most unfinished first")
    marks_total: int
    running: tuple[RunningLine, ...] = Field(description="the first of what runs, the longest first")
    running_total: int = Field(description="of at most 500 units of work that were asked for")
    recent: Recent
    queues: tuple[QueueLine, ...] = Field(description="the queues that hold something")
    broker_fault: str = Field(description="why messages don't go, so that the queues may not be known; empty where they do")
    window: int = Field(description="how many units of work of one queue may be requested")
    open_commands: int = Field(description="commands that are stored and not carried out yet; at most 100 are counted")
    next_fire: datetime | None = Field(description="when the next process is due by a schedule of its own")
    next_process: str = Field(description="which one that is, empty for none")
    audit_at: datetime | None = Field(description="when the leader last counted what finished lately")
    audit_finished: int = Field(description="how many periods finished in the 24 hours before that")
    audit_counts: dict[str, int] = Field(description="what it found fault with, by kind")
