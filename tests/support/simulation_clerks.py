"""Was every fire of every freerun entry of a history made once, or counted as let go? Judged turn by turn, and in the end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from db.entries import Entry
from db.model import Answer, Command, CommandState, Turn, UnitOfWork
from system.context import Context
from system.lifecycle import UOW_FINISHED, UowEvent, UowState
from tests.support.simulation_book import must
from tests.support.simulation_fires import Clerk, Key
from tests.support.virtual_slots import Mark

_LATE_S, _SWEPT_S = 0.1, 1.5
_GOOD = (UowState.PROCESSED, UowState.NOOP)


@dataclass(slots=True)
class Clerks:
    """All freerun entries of a history, judged turn by turn."""

    context: Context
    commands: Mapping[int, Command]
    clerks: dict[Key, Clerk] = field(default_factory=dict)
    seen: dict[Key, Entry] = field(default_factory=dict)
    opened: dict[str, int] = field(default_factory=dict)
    given_up: Counter[Key] = field(default_factory=Counter)

    def is_fire(self, record: UnitOfWork | Mark) -> bool:
        """Return whether a unit of work, or an attempt, is of a freerun entry."""
        uow_id = record.id if isinstance(record, UnitOfWork) else record.uow_id
        return uow_id.split("/")[0] not in self.context.managed

    def apply(self, turn: Turn) -> None:
        """Take a turn over and judge what it decided."""
        if turn.contexts or not self.context.freerun:  # who takes over decides nothing yet
            must(not turn.entries, "turn", turn.number, "takes over, and decides on", turn.entries)
            return
        found = {entry.key: entry for entry in turn.entries}
        now = turn.decided_at
        for key, clerk in self.clerks.items():
            # A run is over once its entry has it no more; whether its unit of work has ended, the end shows.
            clerk.runs = {fire: is_off for fire, is_off in clerk.runs.items() if fire in _fires(found.get(key, self.seen[key]))}
        for key in [key for key in self.context.freerun if key not in self.clerks]:
            self.clerks[key] = self._clerk(key, now)
            self.clerks[key].settle(now)
        for answer in turn.answers:
            self._obey(answer, turn)
        for clerk in self.clerks.values():
            clerk.pass_time(now, turn.number)
        for uow in filter(self.is_fire, turn.opened):
            process, name, fire, _ = uow.id.split("/")
            must(uow.id not in self.opened, uow.id, "was opened in turns", self.opened.get(uow.id), "and", turn.number)
            self.opened[uow.id] = turn.number
            clerk = self.clerks[process, name]
            clerk.open(fire, uow)
            must(json.loads(uow.arguments or "{}") == clerk.arguments[uow.id], uow.id, "was opened with", uow.arguments)
        self.seen.update(found)
        for clerk in self.clerks.values():
            self._compare(clerk, turn)
        given_up = [move.uow_id.split("/") for move in turn.moves if move.event is UowEvent.GIVEN_UP]
        self.given_up.update((process, name) for process, name, _, _ in given_up if process not in self.context.managed)
        for cancel in turn.cancels:
            process, name, fire = cancel.uow_id.split("/")[:3]
            if process not in self.context.managed:
                must(self.clerks[process, name].runs.get(fire), turn.number, "calls off for no reason", cancel)

    def _clerk(self, key: Key, now: datetime) -> Clerk:
        base = self.context.freerun.get(key) or next(e for e in self.context.freerun.values() if e.name == key[0])
        names = ("trigger_frequency", "is_on", "arguments", "overlap", "misfire", "grace_s")
        return Clerk(key, {name: getattr(base, name) for name in names}, key not in self.context.freerun, now)

    def _obey(self, answer: Answer, turn: Turn) -> None:
        command = self.commands[answer.number]
        if not command.verb.startswith("freerun "):
            return
        verb, key = command.verb.removeprefix("freerun "), (command.process, command.timeperiod)
        details = json.loads(command.details) if command.details else {}
        is_new = key not in self.clerks
        clerk = self._clerk(key, turn.decided_at) if is_new else self.clerks[key]
        # What an entry is before it is made for the first time, is what is left of a deleted one.
        clerk.is_deleted = is_new or clerk.is_deleted
        fire = answer.text.split("/")[2] if verb == "trigger" and answer.state is CommandState.DONE else ""
        is_done = clerk.obey(verb, details, fire, turn.decided_at, turn.number)
        if is_new and is_done:
            self.clerks[key] = clerk
        if verb != "release":  # what is held is not written down here
            must(is_done == (answer.state is CommandState.DONE), "turn", turn.number, "answered", command, answer, "to", clerk)

    def _compare(self, clerk: Clerk, turn: Turn) -> None:
        entry = self.seen.get(clerk.key)
        must(entry, "turn", turn.number, "has not taken up", clerk.key)
        assert entry is not None
        runs = {run.fire: run.is_ending for run in entry.runs}
        wanted = (clerk.since, clerk.waiting, clerk.runs, clerk.overlapped, clerk.missed, clerk.goes_by, clerk.is_deleted)
        stands = (entry.since, list(entry.waiting), runs, entry.overlapped, entry.missed, entry.goes_by, entry.is_deleted)
        must(wanted == stands, "after turn", turn.number, turn.decided_at, clerk.key, "should be", wanted, "and is", stands)

    def judge_punctual(self, inserted_s: Mapping[int, float], reached_s: Callable[[datetime], float], jumps_s: Sequence[float]) -> None:
        """Where nothing goes wrong each fire is dealt with at its moment, but for those that a clock jumped over."""
        for clerk in self.clerks.values():
            for moment, turn in clerk.handled:
                at_s = inserted_s[turn]
                late_s = at_s - reached_s(moment)
                is_unclear = any(at_s - _SWEPT_S <= jump_s <= at_s for jump_s in jumps_s)
                must(is_unclear or late_s <= _LATE_S, clerk.key, "fired", late_s, "s late at", moment, "in turn", turn)

    def judge(self, uows: Sequence[UnitOfWork], marks: Sequence[Mark], entries: Sequence[Entry], losses: Mapping[str, int]) -> None:
        """Judge what is left when all was quiet, and what really ran."""
        must({e.key: e for e in entries} == self.seen, "turns and entries differ:", entries, self.seen)
        of_entry: dict[Key, list[UnitOfWork]] = {key: [] for key in self.clerks}
        for uow in filter(self.is_fire, uows):
            process, name = uow.id.split("/")[:2]
            of_entry[process, name].append(uow)
        for key, found in of_entry.items():
            self._judge_entry(self.clerks[key], self.seen[key], found)
        self._judge_attempts({uow.id: uow for uow in uows}, [mark for mark in marks if self.is_fire(mark)], losses)

    def _judge_entry(self, clerk: Clerk, entry: Entry, uows: Sequence[UnitOfWork]) -> None:
        must(not entry.waiting or entry.runs, entry.title, "waits for ever:", entry.waiting)
        stuck = [run for run in entry.runs if not run.held]
        must(not stuck, entry.title, "runs for ever:", stuck)
        ended = [uow for uow in uows if uow.timeperiod not in _fires(entry)]
        must(all(uow.state in UOW_FINISHED for uow in ended), "given up before its end:", [u for u in ended if u.state not in UOW_FINISHED])
        good = sum(uow.state in _GOOD for uow in ended)
        failed = self.given_up[entry.key]
        stands = (entry.fired, entry.succeeded, entry.failed, entry.canceled)
        wanted = (len(uows), good, failed, len(ended) - good - failed + clerk.dropped)
        must(stands == wanted, entry.title, "tells", stands, "and it was", wanted)

    def _judge_attempts(self, uows: Mapping[str, UnitOfWork], marks: Sequence[Mark], losses: Mapping[str, int]) -> None:
        of_uow: dict[str, list[Mark]] = {}
        of_entry: dict[Key, list[Mark]] = {}
        for mark in sorted(marks, key=lambda mark: mark.start_s):
            must(mark.end_s is not None, mark, "runs on")
            process, name = mark.uow_id.split("/")[:2]
            clerk = self.clerks[process, name]
            must(mark.arguments == clerk.arguments[mark.uow_id], mark, "ran with", mark.arguments, "of", clerk.arguments[mark.uow_id])
            of_uow.setdefault(mark.uow_id, []).append(mark)
            earlier = of_entry.setdefault((process, name), [])
            beside = [other for other in earlier if (other.end_s or 0.0) > mark.start_s and other.uow_id != mark.uow_id]
            must(len(beside) < clerk.most, mark, "ran beside", beside)
            of_entry[process, name] = [*beside, mark]
        for uow_id, found in of_uow.items():
            most = 1 + uows[uow_id].failures + losses.get(uow_id, 0)
            must(len(found) <= most, uow_id, "ran", len(found), "times")
            for one, other in pairwise(found):
                must((one.end_s or 0.0) <= other.start_s, "two attempts at once:", one, other)
                must(one.fence < other.fence, "fences do not grow:", one, other)


def _fires(entry: Entry) -> set[str]:
    return {run.fire for run in entry.runs}
