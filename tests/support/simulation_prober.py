"""How does a history's engine ask its sources? Questions take their time; sources are away for a while; answers come twice, or never."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from random import Random

from db.source import MemorySource
from scheduler.probing import Probed, Question
from system.errors import SourceError
from tests.support.simulation_rows import Answer, Row, Rows
from tests.support.simulation_world import Process, World

SLOWEST_S = 1.5  # so long an answer takes at most, but for one whose time is up
_TIMEOUT_S = 6.0
_LONGEST_AWAY_S = 9.0


class SlowProber:
    """What one scheduler process has of the sources; ends with it."""

    def __init__(
        self, world: World, process: Process, sources: Mapping[str, MemorySource], luck: Random, given: list[Answer]
    ) -> None:
        self._world = world
        self._process = process
        self._sources = sources
        self._luck = luck
        self._given = given
        self._answers: list[tuple[Probed, float]] = []

    def ask(self, questions: Sequence[Question]) -> None:
        """See Prober."""
        for question in questions:
            if self._world.is_stormy and self._luck.random() < 0.05:
                late = Probed(question, error=f"no answer for {_TIMEOUT_S:g} s")
                self._world.after(_TIMEOUT_S, partial(self._tell, late, self._world.now_s))
            else:
                self._world.after(self._luck.choice((0.001, 0.001, 0.05, 0.5 * SLOWEST_S)), partial(self._read, question))

    def answers(self) -> list[Probed]:
        """See Prober."""
        found, self._answers = self._answers, []
        self._given += [Answer(*probed.question.node, read_s, self._world.now_s) for probed, read_s in found if not probed.error]
        return [probed for probed, _ in found]

    def _read(self, question: Question) -> None:
        """Look at the source, now; what it said arrives a little later, and now and then once more."""
        try:
            probed = Probed(question, self._sources[question.node[0]].probe(question.start, question.end))
        except SourceError as error:
            probed = Probed(question, error=str(error))
        told = partial(self._tell, probed, self._world.now_s)
        for _ in range(2 if self._luck.random() < 0.1 else 1):
            self._world.after(self._luck.choice((0.001, 0.001, 0.05, 0.5 * SLOWEST_S)), told)

    def _tell(self, probed: Probed, read_s: float) -> None:
        if self._process.is_alive:
            self._answers.append((probed, read_s))
            self._process.main.ring()


class Sources:
    """The sources of a history, which fill with rows as time passes. Has luck of its own. `given`: all answers that an engine took."""

    def __init__(self, world: World, rows: Rows) -> None:
        self._world = world
        self.given: list[Answer] = []
        self._luck = Random(f"sources {world.plan.seed} of the world")
        self._sources = {name: MemorySource() for name in rows.of}
        for name, found in rows.of.items():
            for row in found:
                world.after(row.arrives_s, partial(self._come, name, row))
            for _ in range(self._luck.choice((0, 0, 2))):
                world.after(self._luck.uniform(0.0, world.plan.storm_s), partial(self._go_away, name))

    def prober(self, process: Process) -> SlowProber:
        """Return what a scheduler process asks the sources by."""
        return SlowProber(self._world, process, self._sources, self._luck, self.given)

    def _come(self, name: str, row: Row) -> None:
        self._sources[name].rows.append((row.moment, row.key))

    def _go_away(self, name: str) -> None:
        self._sources[name].fault = "connection refused"
        self._world.after(self._luck.uniform(0.5, _LONGEST_AWAY_S), partial(setattr, self._sources[name], "fault", ""))
