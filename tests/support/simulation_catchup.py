"""Which periods are not to be caught up? By brute force from the turns: REFERENCE 1.2 and 1.5."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from db.model import Command, CommandState, Job, Switch, Turn
from db.store import Store
from system.lifecycle import JobState
from system.schedule import Every, parse_schedule
from tests.support.simulation_book import PASSED_OVER, Book, Jobs, Node, must, node_of

_SWITCHING = ("on", "off", "reset", "frequency")


@dataclass(slots=True)
class Catchup:
    """What each process has missed as of the turns that were taken over: before it was registered, and while it was off.

    `waiting` is what was due already when a process was switched off that is off: it waits, and is not missed.
    """

    book: Book
    commands: Mapping[int, Command]
    missed: set[Node] = field(default_factory=set)
    waiting: dict[str, set[Node]] = field(default_factory=dict)
    schedules: dict[str, str] = field(default_factory=dict)

    def apply(self, turn: Turn) -> None:
        """Take over what a turn switches; who takes over registers what is new."""
        if turn.contexts and turn.number == 1:
            for name in self.book.processes:
                self._switch_on(name, set(), turn.decided_at)
            return
        # One turn may carry out several commands, and on, off and on again is not the same as on.
        for answer in turn.answers:
            if answer.state is CommandState.DONE and (command := self.commands[answer.number]).verb in _SWITCHING:
                self._obey(command, turn.decided_at)
        for switch in turn.switches:
            stands = switch.process not in self.waiting, self.schedules.get(switch.process, "")
            must(stands == (switch.is_on, switch.frequency), "turn", turn.number, "should leave it", stands, "and leaves", switch)

    def _obey(self, command: Command, now: datetime) -> None:
        name = command.process
        is_on = {"on": True, "off": False, "reset": self.book.processes[name].is_on}.get(command.verb, name not in self.waiting)
        if not is_on and name not in self.waiting:
            self.waiting[name] = set(self._due(name, now))
        elif is_on and name in self.waiting:
            self._switch_on(name, self.waiting.pop(name), now)
        # How it goes from now on; what was due until now was so by what held until now.
        if command.verb == "frequency":
            self.schedules[name] = json.loads(command.details)["frequency"]
        elif command.verb == "reset":
            self.schedules.pop(name, None)

    def is_due(self, node: Node, now: datetime) -> bool:
        """Return whether a period is due by the schedule that its process has."""
        process = self.book.processes[node[0]]
        schedule = parse_schedule(self.schedules.get(node[0]) or process.trigger_frequency)
        fired = now if process.is_live or isinstance(schedule, Every) else schedule.last_fire(now)
        return self.book.close(node) <= fired

    def _due(self, name: str, now: datetime) -> list[Node]:
        return [node for node in self.book.nodes if node[0] == name and self.book.runs(node) and self.is_due(node, now)]

    def _switch_on(self, name: str, waiting: set[Node], now: datetime) -> None:
        process, runs = self.book.processes[name], self._due(name, now)
        if process.catchup == "all":
            return
        count = 0 if process.catchup == "none" else int(process.catchup)
        kept = runs[max(0, len(runs) - count) :]
        self.missed |= set(runs) - set(kept) - waiting

    def judge_opening(self, job: Job, before: Job | None, turn: Turn) -> None:
        """Judge a run: of what is not to be caught up, nothing runs that nobody has touched, in this turn or before."""
        is_touched = not is_untouched(before) or job.generation > 1 or " triggered it: " in job.reason
        must(is_touched or node_of(job) not in self.missed, job, "is run by turn", turn.number, "and is not to be caught up")

    def is_passed_over(self, job: Job) -> bool:
        """Return whether a job ended because it is not to be caught up; raises Violation where it is to be."""
        if job.state is not JobState.NOOP or job.reason != PASSED_OVER:
            return False
        must(job.run == 0 and node_of(job) in self.missed, job, "is passed over, and is to be caught up")
        return True


class Missed:
    """The same as the store has it, at any moment of a history: for whoever asks what is owed."""

    def __init__(self, book: Book, store: Store) -> None:
        self._book, self._store = book, store
        self._known: dict[Switch, set[Node]] = {}

    def holds(self, node: Node, jobs: Jobs) -> bool:
        """Return whether a period, which nothing has touched, is not to be caught up."""
        if not is_untouched(jobs.get(node)) or self._book.processes[node[0]].catchup == "all":
            return False
        return any(node in self._nodes(switch) for switch in self._store.switches() if switch.process == node[0])

    def _nodes(self, switch: Switch) -> set[Node]:
        if switch not in self._known:
            spans = [part.split("..") for part in switch.missed.split()]
            self._known[switch] = {node for node in self._book.nodes if node[0] == switch.process and _is_in(node[1], spans)}
        return self._known[switch]


def is_untouched(job: Job | None) -> bool:
    """Return whether a job has neither run nor been told to, nor asked its source: a hold keeps it from beginning, and is no more."""
    return job is None or (job.state is JobState.EMBRYO and job.generation == 1 and job.run == 0 and job.again_at is None)


def _is_in(text: str, spans: list[list[str]]) -> bool:
    return any(low <= text < high for low, high in spans)
