"""What would a command do, job by job? For programs; the pages fold it into ranges."""

from __future__ import annotations

from launcher.web.area import Area
from launcher.web.asked import asked
from mx.models.steps import PlanStep, PlanSteps
from scheduler.timetable import id_of


class StepsArea(Area):
    """Answers `mx.desk_steps.StepsDesk`."""

    @asked
    def plan_steps(self, verb: str, process: str, timeperiod: str, until: str) -> PlanSteps:
        """Return every job that a command would touch; raises NotFound or TimeperiodError."""
        desk, managed = self.parts.desk, self.parts.context.managed
        plan = desk.plan(verb, process, timeperiod, until=until)
        expected = desk.forecast(plan)
        steps = [
            PlanStep(
                process=step.node[0], timeperiod=id_of(managed[step.node[0]].qualifier, step.node[1]), action=step.action.value,
                expected_s=seconds,
            )
            for step, seconds in zip(plan.steps, expected.steps, strict=True)
        ]  # fmt: skip
        return PlanSteps(
            steps=tuple(steps), refusal=plan.refusal, counts=plan.counts(), expected_s=expected.seconds, chain_s=expected.chain_s,
            slots=expected.slots, unknown=expected.unknown,
        )  # fmt: skip
