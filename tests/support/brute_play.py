"""Does the engine do what the plain rules say? A random timetable is played on both at once, and they are compared after every round."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from db.model import UnitOfWork
from scheduler.policy import SchedulerSettings
from system.context import ManagedProcess
from system.lifecycle import UOW_ACTIVE, JobState, UowEvent
from tests.support.brute_rules import DAY, EMBRYO, HOUR, MONTH, RUNS, YEAR, Kind, Node, Rules, floor, identifier
from tests.support.contexts import managed
from tests.support.lamp import Lamp

LEVELS = ("hourly", "daily", "monthly", "yearly")
BLOCKING = ("blocking_normal", "blocking_children", "blocking_dependencies", "blocking_all")
GROUPINGS = {HOUR: (3, 5, 20), DAY: (7, 2), MONTH: (3, 5), YEAR: (1,)}
SETTINGS = SchedulerSettings(window_least=100_000, looks=100_000)
BEGINS = datetime(2012, 12, 30, 12, tzinfo=UTC)
MIDNIGHT = datetime(2013, 1, 1, tzinfo=UTC)  # the end of an hour, a day, a month and a year


@dataclass(frozen=True)
class Timetable:
    """What is played: processes, trees that depend on trees, and from when to when."""

    kinds: dict[str, Kind]
    dependent_on: dict[str, tuple[str, ...]]
    last: datetime


def timetable_of(dice: random.Random) -> Timetable:
    """Draw a timetable of one to three trees around the end of a year."""
    trees = ("ant", "bee", "cat")[: dice.randint(1, 3)]
    kinds = {}
    for tree in trees:
        for level in sorted(dice.sample(range(4), dice.randint(1, 4))):
            start = floor(level, MIDNIGHT - timedelta(hours=dice.randint(1, 40)))
            grouping = dice.choice(GROUPINGS[level]) if dice.random() < 0.2 else 1
            name = f"{tree}_{LEVELS[level]}"
            kinds[name] = Kind(name, tree, level, dice.choice(BLOCKING), grouping, start)
    dependent_on = {tree: tuple(t for t in trees[:place] if dice.random() < 0.6) for place, tree in enumerate(trees)}
    return Timetable(kinds, dependent_on, MIDNIGHT + timedelta(hours=dice.randint(0, 14)))


class Play:
    """One timetable on an engine and on the plain rules. `attempts` is how often a run may fail."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.table = timetable_of(self.dice)
        self.rules = Rules(self.table.kinds, self.table.dependent_on, self.table.last)
        self.attempts = self.dice.randint(1, 3)
        processes = [self._process(kind) for kind in self.table.kinds.values()]
        dependent_on: dict[str, Any] = dict(self.table.dependent_on)
        self.lamp = Lamp(processes, SETTINGS, begins=BEGINS, **dependent_on)
        self.ids = {(name, identifier(self.table.kinds[name].level, start)): (name, start) for name, start in self.rules.places}
        self.claimed: dict[str, UnitOfWork] = {}
        self.engines = self.workers = 1
        self.said: list[str] = []

    def _process(self, kind: Kind) -> ManagedProcess:
        return managed(
            kind.name, f"_{LEVELS[kind.level]}", start=identifier(kind.level, kind.start), lag_s=0.0, blocking_type=kind.blocking,
            time_grouping=kind.grouping, max_attempts=self.attempts, backoff_s=1.0, trigger_frequency="every 1",
        )

    def run(self) -> str:
        """Play it to its end; returns where engine and rules differ first, empty when nowhere."""
        clock = self.lamp.clock
        end = self.table.last
        for _ in range(400):
            wrong = self._one_step()
            if wrong:
                return "\n".join([*self.said[-40:], wrong])
            if clock.now() < end and self.dice.random() < 0.5:
                clock.sleep(min((end - clock.now()).total_seconds(), self.dice.choice((60, 3_600, 3_600, 5 * 3_600, 30 * 3_600))))
            elif clock.now() >= end and not self._in_flight() and self.dice.random() < 0.3:
                break
        return self._drain()

    def _drain(self) -> str:
        """Let no more misfortune happen, and everything end."""
        self.dice = random.Random(1)
        for _ in range(400):
            wrong = self._one_step(calm=True)
            if wrong:
                return "\n".join([*self.said[-40:], wrong])
            if not self._in_flight():
                left = [node for node in self.rules.places if self.rules.is_stuck(node)]
                return f"never finished: {left[:5]}" if left else ""
        return f"does not come to an end: {list(self._in_flight())[:5]}"

    # -- one step

    def _one_step(self, *, calm: bool = False) -> str:
        if not calm and self.dice.random() < 0.08:
            self._restart()
        if not calm and self.dice.random() < 0.04:
            self._lose_worker()
        verb = self._command() if not calm and self.dice.random() < 0.12 else None
        if verb is None:
            self._work(calm=calm)
        self.lamp.clock.sleep(1)
        return self._turn()

    def _turn(self) -> str:
        """Let the engine do its rounds, the rules a step each, and compare."""
        for _ in range(50):
            self.rules.number += 1
            self.lamp.store.beat(self._worker(), {})
            wait_s = self.lamp.turn()
            for node in self._ended():
                self.rules.ended(*node)
            self.rules.step(self.lamp.clock.now())
            if wait_s > 0:
                return self._difference()
        return "the engine never rests"

    def _ended(self) -> list[tuple[Node, str]]:
        """Return the runs that have ended as the store has them, and the rules don't know yet."""
        found = []
        for node, place in self.rules.places.items():
            if place.state == RUNS and place.outcome is None:
                (uow,) = self.lamp.store.uows([f"{self._id(node)}/{place.generation}/{place.runs}"]) or (None,)
                if uow is not None and uow.state not in UOW_ACTIVE:
                    found.append((node, uow.state.removeprefix("state_")))
        return found

    def _id(self, node: Node) -> str:
        return f"{node[0]}/{identifier(self.table.kinds[node[0]].level, node[1])}"

    def _work(self, *, calm: bool) -> None:
        """Claim some of what is requested, and end some of what was claimed."""
        requested = self.lamp.requested()
        self.dice.shuffle(requested)
        share = 1.0 if calm else self.dice.random()
        self.claimed.update({uow.id: uow for uow in self._claim(requested[: int(len(requested) * share + 0.5)])})
        for uow_id in list(self.claimed):
            if calm or self.dice.random() < 0.6:
                self._end(self.claimed.pop(uow_id), calm=calm)

    def _claim(self, ids: list[str]) -> list[UnitOfWork]:
        return self.lamp.claim(*ids, session=self._worker())

    def _worker(self) -> str:
        return f"worker-{self.workers}"

    def _lose_worker(self) -> None:
        """Let the worker be gone with all that it has claimed, and another one come."""
        self.lamp.store.close_sessions([self._worker()])
        self.claimed.clear()
        self.workers += 1
        self.lamp.open_session(self._worker(), slots=2)
        self.said.append("another worker")

    def _end(self, uow: UnitOfWork, *, calm: bool) -> None:
        event = UowEvent.DONE if calm else self.dice.choices((UowEvent.DONE, UowEvent.EMPTY, UowEvent.FAILED), (7, 2, 2))[0]
        if self.lamp.uow(uow.id).cancel_requested:
            event = UowEvent.CANCELED
        written = self.lamp.finish(uow, event)
        self.said.append(f"{uow.id} {event.name} {'' if written else 'not written'}")

    def _command(self) -> str | None:
        """Give a reprocess or a skip of any node, and carry it out on the rules where it is not refused."""
        nodes = [n for n in self.rules.places if self.rules.is_due(n)]
        if not nodes:
            return None
        verb, node = self.dice.choice(("reprocess", "skip")), self.dice.choice(nodes)
        process, timeperiod = self._id(node).split("/")
        number = self.lamp.desk.give(verb, process, timeperiod, "ann", "test")
        self.said.append(f"{verb} {process} {timeperiod}")
        self.rules.number += 1
        self.lamp.store.beat(self._worker(), {})
        self.lamp.sweep()
        if self.lamp.desk.answer(number).state == "done":
            getattr(self.rules, verb)(node)
        return verb

    def _restart(self) -> None:
        """Let another scheduler take over."""
        self.lamp.engine.close()
        self.lamp.store.close_sessions([f"scheduler-{self.engines}"])
        self.engines += 1
        self.lamp.engine = self.lamp.another_engine(f"scheduler-{self.engines}")
        self.said.append("restart")
        while not self.lamp.engine.leads:
            self.lamp.turn()

    # -- comparing

    def _in_flight(self) -> list[str]:
        return [job.uow_id for job in self.lamp.store.active_jobs() if job.uow_state in UOW_ACTIVE]

    def _difference(self) -> str:
        """Return the first period that engine and rules see differently."""
        jobs = {(j.process, j.timeperiod): j for name in self.table.kinds for j in self.lamp.store.jobs(name, self._periods(name))}
        for node, place in self.rules.places.items():
            job = jobs.get(tuple(self._id(node).split("/")))  # type: ignore[arg-type]
            wanted = (place.state, place.runs, place.generation)
            found = (_word(job.state), job.run, job.generation) if job else (EMBRYO, 0, 1)
            if wanted != found:
                kind = self.table.kinds[node[0]].blocking
                return f"{self._id(node)} {kind}: the rules say {wanted}, the engine {found} at {self.lamp.clock.now()}"
        return ""

    def _periods(self, name: str) -> list[str]:
        return [period for process, period in self.ids if process == name]


def _word(state: JobState) -> str:
    return state.label.removeprefix("state_")


def differences(seeds: range) -> list[str]:
    """Return what differs in each of some plays, with its seed."""
    found = ((seed, Play(seed).run()) for seed in seeds)
    return [f"seed {seed}: {wrong}" for seed, wrong in found if wrong]
