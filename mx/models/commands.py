"""Who did what, when and why, and what came of it? The audit log, and the progress of one undertaking."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from mx.models.base import Model


class CommandLine(Model):
    """One command."""

    number: int
    verb: str
    process: str = Field(description="the process, or the freerun process, that it is about")
    timeperiod: str = Field(description="the first period; of a freerun process the name of the entry; empty for the whole process")
    until: str = Field(description="the first period that is left out; empty where it is about one alone")
    who: str
    why: str
    given_at: datetime
    state: str = Field(description="open, done or refused")
    answer: str
    turn: int = Field(description="the turn that answered it, 0 while it is open")
    details: str = Field(description="what else was given, as JSON, empty for nothing")
    undertaking: str = Field(description="shared by commands that were given together, empty where it was given alone")


class CommandPage(Model):
    """Commands, the newest first."""

    lines: tuple[CommandLine, ...]
    next: int = Field(description="to go on: those before this number; 0 where that was the end")
    looked_at: int = Field(description="how many commands were looked at for it")


class ProgressGroup(Model):
    """How far the jobs of one process are that a command touched."""

    process: str
    qualifier: str
    total: int
    counts: dict[str, int] = Field(description="by what they are at: finished, running, requested, waiting, ending, failing, held")


class ProgressLine(Model):
    """One job of an undertaking that is not finished."""

    process: str
    timeperiod: str
    phase: str = Field(description="running, requested, waiting, ending, failing or held")
    since: datetime | None
    reason: str


class Progress(Model):
    """What came of a command and of those given together with it."""

    command: CommandLine
    together: tuple[CommandLine, ...] = Field(description="all commands of the undertaking, this one among them, by number")
    total: int = Field(description="how many jobs they touched; 0 where they have not been carried out yet")
    counts: dict[str, int] = Field(description="as in the groups, over all of them")
    groups: tuple[ProgressGroup, ...] = Field(description="inputs first")
    lines: tuple[ProgressLine, ...] = Field(description="the first that are not finished; what needs a person, then what runs")
    not_begun: int = Field(description="how many could still be held or given up before they begin")
    left_s: float | None = Field(description="how long the rest usually takes with the slots there are; none where that is not known")
    is_over: bool = Field(description="whether nothing more will come of it")
    is_led: bool = Field(description="whether somebody schedules: else nothing goes on")
    is_known: bool = Field(description="whether the turn that carried it out is still kept, so that its jobs are known")
