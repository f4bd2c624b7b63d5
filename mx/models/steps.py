"""What would a command do to every single job?"""

from __future__ import annotations

from pydantic import Field

from mx.models.base import Model


class PlanStep(Model):
    """One job and what would be done to it."""

    process: str
    timeperiod: str
    action: str = Field(description="what is done, such as `to start anew`")
    expected_s: float | None = Field(description="what it usually takes; null where nothing runs or there is no history")


class PlanSteps(Model):
    """A whole plan, each job after its inputs."""

    steps: tuple[PlanStep, ...]
    refusal: str = Field(description="why nothing would be done, empty where something would")
    counts: dict[str, int] = Field(description="how many jobs by what is done to them")
    expected_s: float = Field(description="what all of it takes with the slots there are now")
    chain_s: float = Field(description="what its longest chain takes, however many slots there are")
    slots: int
    unknown: tuple[str, ...] = Field(description="processes without a history: they count as nothing in what is expected")
