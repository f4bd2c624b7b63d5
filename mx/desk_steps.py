"""What does a program ask that wants a plan job by job?"""

from __future__ import annotations

from typing import Protocol

from mx.models.steps import PlanSteps


class StepsDesk(Protocol):
    """Plans, whole."""

    def plan_steps(self, verb: str, process: str, timeperiod: str, until: str) -> PlanSteps:
        """Return every job that a command would touch; raises NotFound or TimeperiodError."""
        ...
