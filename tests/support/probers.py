"""How does a test ask sources without threads? A prober that asks a source in memory on the spot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from db.source import MemorySource
from scheduler.probing import Probed, Question
from system.errors import SourceError


@dataclass
class AtOnce:
    """Asks `source` on the spot; while it is `mute` nothing comes back, while it is `doubled` everything comes twice."""

    source: MemorySource
    is_mute: bool = False
    is_doubled: bool = False
    asked: list[Question] = field(default_factory=list)
    waiting: list[Question] = field(default_factory=list)

    def ask(self, questions: Sequence[Question]) -> None:
        """See Prober."""
        self.asked += questions
        self.waiting += questions

    def answers(self) -> list[Probed]:
        """See Prober."""
        if self.is_mute:
            return []
        asked, self.waiting = self.waiting, []
        return [self._answer(question) for question in asked] * (2 if self.is_doubled else 1)

    def _answer(self, question: Question) -> Probed:
        try:
            return Probed(question, self.source.probe(question.start, question.end))
        except SourceError as error:
            return Probed(question, error=str(error))
