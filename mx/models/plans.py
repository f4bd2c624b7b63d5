"""What would a command touch? A plan as people read it, whether it concerns 3 periods or 3,000."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mx.models.base import Model

Verb = Literal["reprocess", "skip", "hold", "release", "trigger", "cancel"]


class Span(Model):
    """Periods in a row, from the first to the last one (included)."""

    first: str
    last: str
    count: int


class PlanGroup(Model):
    """What is done to the periods of one process."""

    process: str
    qualifier: str
    action: str = Field(description="what is done, such as `to start anew`")
    count: int
    spans: tuple[Span, ...] = Field(description="which periods, the first of them folded into ranges")
    spans_total: int
    is_named: bool = Field(description="whether it was asked for, or follows from what was")
    expected_s: float | None = Field(description="what one of them usually takes; none where nothing runs or nothing is known")
    runs: bool = Field(description="whether something runs because of it")


class PlanPart(Model):
    """One command of an undertaking, and what is wrong with it."""

    process: str
    timeperiod: str = Field(description="the first period")
    until: str = Field(description="the first period that is left out; empty where it is about one alone")
    steps: int = Field(description="how many jobs it touches")
    is_given: bool = Field(description="whether it is given on confirmation; not where it is refused or another part does it all")
    refusal: str = Field(description="why nothing would be done, empty where something would")


class RunningNow(Model):
    """A job that the plan touches and that has something with a worker, or asked for, just now."""

    process: str
    timeperiod: str
    action: str


class WhatIf(Model):
    """What a command, or several given together, would touch if it were given now."""

    verb: Verb
    timeperiod: str
    until: str
    parts: tuple[PlanPart, ...]
    groups: tuple[PlanGroup, ...] = Field(description="inputs first, in the order in which it goes")
    total: int = Field(description="how many jobs it touches")
    counts: dict[str, int] = Field(description="how many jobs by what is done to them")
    running: tuple[RunningNow, ...] = Field(description="the first of what is under way and must end before; it is told to")
    running_total: int
    expected_s: float | None = Field(description="what all of it takes with the slots there are now; none where nothing runs")
    chain_s: float | None = Field(description="what its longest chain takes, however many slots there are")
    slots: int
    unknown: tuple[str, ...] = Field(description="processes without a history: they count as nothing in what is expected")
    turn: int = Field(description="the last turn as of this answer")

    @property
    def is_possible(self) -> bool:
        """Whether anything would be done."""
        return any(part.is_given for part in self.parts)


class Given(Model):
    """A command that was stored, or the first of several."""

    number: int
    numbers: tuple[int, ...] = Field(description="all commands of the undertaking")
