"""What became of the commands that somebody has just given?"""

from __future__ import annotations

from collections.abc import Sequence

from launcher.web.area import Area
from launcher.web.asked import asked
from mx.models.answers import Answered
from scheduler.health import read_health
from system.errors import NotFound
from system.hidden import hide

_MOST = 5


class AnswersArea(Area):
    """Answers `mx.desk_answers.AnswersDesk`."""

    @asked
    def answers(self, numbers: Sequence[int]) -> tuple[Answered, ...]:
        """Return those of the commands that there are, the first few of them."""
        if not numbers:
            return ()
        has_leader = bool(read_health(self.parts.store, self.now()).leader)
        return tuple(found for number in numbers[:_MOST] if (found := self._answered(number, has_leader=has_leader)))

    def _answered(self, number: int, *, has_leader: bool) -> Answered | None:
        try:
            command = self.parts.store.command(number)
        except NotFound:
            return None
        words = (command.verb, command.process, command.timeperiod)
        what = " ".join(word for word in words if word)
        return Answered(number=number, what=what, state=command.state.value, answer=hide(command.answer), has_leader=has_leader)
