"""What was given together, what did it touch, and how far is that? Told by commands, the turns that answered them, and the timetable."""

from __future__ import annotations

import json
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence

from db.model import Command, CommandState
from db.store import Store
from launcher.web import plans
from launcher.web.parts import WebParts
from launcher.web.plans import Part
from mx.models.commands import ProgressGroup, ProgressLine
from mx.models.plans import Given
from scheduler.durations import Durations, Usual
from scheduler.effects import STAGES, has_unit, stage_of, touched, without_others
from scheduler.freerun_commands import UNDERTAKING
from scheduler.plans import PREVIEWS
from scheduler.timetable import Node, Timetable
from system.errors import Refused
from system.lifecycle import UowState

_TOGETHER = 100  # commands before and after one that are looked at for those given with it
_MOST_UOWS = 500
_KEPT = 64  # commands whose jobs are remembered
_LEFT = ("hold", "skip")


class NothingLeft(Refused):
    """Of an undertaking nothing is left that could be given up or held."""


class Undertakings:
    """Commands that were given together, as one; for the asking thread alone."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts
        self._touched: OrderedDict[int, list[Node] | None] = OrderedDict()
        self._usual: dict[str, tuple[int, Usual | None]] = {}

    def parts(self, processes: Sequence[str], timeperiod: str, until: str) -> list[Part]:
        """Return the parts of an undertaking that is asked for; see `plans.parts_of`."""
        return plans.parts_of(self._parts.context, self._parts.desk.topology.order(), processes, timeperiod, until)

    def give(self, verb: str, asked: Callable[[], Sequence[Part]], who: str, why: str, token: str) -> Given:
        """Store the commands of those parts that do something; raises Refused.

        A form may be sent twice, also since the store went away while it was given: then what is missing is given, and nothing again.
        """
        if not why.strip():
            raise Refused("no reason is given: say why, for whoever reads it later")
        before = self._before(verb, token)
        if before and len(before) == _facts(next(iter(before.values()))).get("of"):
            return _given(each.number for each in before.values())
        desk, now = self._parts.desk, self._parts.roof.clock.now()
        # Parts that were given are planned as well: what they do is not to be given once more by a part after them.
        found = plans.planned(desk, verb, self._asked(asked, is_begun=bool(before)))
        names = {each.part: (each.part.process, *plans.texts(desk.read(), each.part)) for each in found}
        given = [each for each in found if each.is_given and names[each.part] not in before]
        if not given and not before:
            raise Refused(f"nothing to {verb}: {found[0].plan.refusal if found else 'nothing is left'}")
        numbers = [each.number for each in before.values()]
        for each in given:
            process, timeperiod, until = names[each.part]
            details: dict[str, object] = {"planned": len(each.plan.steps)}
            if token:
                details |= marked(token) | {"of": len(before) + len(given)}
            command = Command(verb, process, timeperiod, who, why.strip(), now, until, details=json.dumps(details))
            numbers.append(desk.tell(command))
        return _given(numbers)

    def _before(self, verb: str, token: str) -> dict[tuple[str, str, str], Command]:
        """Return what was given under `token` already, the newest first, by process, first period and the one that is left out."""
        latest = self._parts.store.latest_commands(0, 2 * _TOGETHER) if token else []
        return {(each.process, each.timeperiod, each.until): each for each in latest if each.verb == verb and undertaking(each) == token}

    @staticmethod
    def _asked(asked: Callable[[], Sequence[Part]], *, is_begun: bool) -> Sequence[Part]:
        try:
            return asked()
        except NothingLeft:
            if is_begun:
                return ()
            raise

    def together(self, number: int) -> list[Command]:
        """Return a command and those that were given with it, by number; raises NotFound."""
        command = self._parts.store.command(number)
        token = undertaking(command)
        if not token:
            return [command]
        near = self._parts.store.latest_commands(number + _TOGETHER, 2 * _TOGETHER)
        return sorted((each for each in near if undertaking(each) == token), key=lambda each: each.number)

    def nodes(self, together: Sequence[Command], table: Timetable) -> tuple[list[Node], bool]:
        """Return what commands touched, each once, and whether all of it is known."""
        found: dict[Node, None] = {}
        is_known = True
        for command in together:
            if command.state is not CommandState.DONE or command.verb not in PREVIEWS:
                continue
            nodes = self._touched_by(command, table)
            is_known &= nodes is not None
            found.update(dict.fromkeys(node for node in nodes or () if node[0] in table.states))
        return list(found), is_known

    def _touched_by(self, command: Command, table: Timetable) -> list[Node] | None:
        if command.number not in self._touched:
            turns = self._parts.store.turns_after(command.turn - 1, 1)
            is_there = bool(turns) and turns[0].number == command.turn
            self._touched[command.number] = touched(command, turns[0], table) if is_there else None
            while len(self._touched) > _KEPT:
                self._touched.popitem(last=False)
        return self._touched[command.number]

    def stages(self, table: Timetable, nodes: Sequence[Node]) -> dict[Node, str]:
        """Return what each of `nodes` is at, one of STAGES."""
        active = [job for node in nodes if (job := table.active.get(node)) is not None and has_unit(job)]
        uows = self._parts.store.uows([job.uow_id for job in active[:_MOST_UOWS]]) if active else []
        running = {uow.id for uow in uows if uow.state is UowState.IN_PROGRESS}
        return {node: stage_of(table, node, running) for node in nodes}

    def left(self, number: int, verb: str) -> list[Part]:
        """Return what an undertaking has not begun, as ranges; raises NotFound, or Refused where that can't be said."""
        if verb not in _LEFT:
            raise Refused(f"what has not begun can be given up or held, and nothing else: use one of {', '.join(_LEFT)}")
        together, table = self.together(number), self._parts.desk.read()
        nodes, is_known = self.nodes(together, table)
        if not is_known:
            raise Refused("the turn that carried it out is not kept any more, so that its jobs are not known")
        stages = self.stages(table, nodes)
        left = [node for node in nodes if is_not_begun(table, node, stages[node])]
        if verb == "hold":  # what is requested can't be held any more
            left = [node for node in left if stages[node] == "waiting"]
        else:
            left = without_others(table, self._parts.desk.topology, left)
        found = plans.folded(left)
        if not found:
            raise NothingLeft("nothing of it is left that has not begun")
        if len(found) > _TOGETHER:
            raise Refused(f"what is left lies in {len(found):,} ranges, which are too many at once: do it process by process")
        return found

    def left_s(self, table: Timetable, left: Sequence[Node], slots: int) -> float | None:
        """Return how long `left` takes by what its processes usually take; None where one has no history, or nobody works."""
        durations, total = Durations(self._parts.store, table), 0.0
        for name, count in Counter(node[0] for node in left).items():
            edits = table.states[name].edits
            if name not in self._usual or edits - self._usual[name][0] > max(20, count):
                self._usual[name] = edits, durations.of(name)
            usual = self._usual[name][1]
            if usual is None:
                return None
            total += count * usual.seconds
        return total / slots if slots else None


def undertaking(command: Command) -> str:
    """Return the mark that commands which were given together share, empty for one that was given alone."""
    return str(_facts(command).get(UNDERTAKING, ""))


def marked(token: str) -> dict[str, object]:
    """Return what a command's details hold so that it counts as given together with all of `token`; nothing without one."""
    return {UNDERTAKING: token} if token else {}


def mark_of(token: str) -> str:
    """Return the same as the text of a command's details, empty without one."""
    return json.dumps(marked(token)) if token else ""


def given_before(store: Store, token: str, *place: str) -> int:
    """Return the number of the command of `place` (verb, process, period, who) that was given under `token` already, 0 for none."""
    latest = store.latest_commands(0, 2 * _TOGETHER) if token else []
    same = (each.number for each in latest if (each.verb, each.process, each.timeperiod, each.who) == place and undertaking(each) == token)
    return next(same, 0)


def _facts(command: Command) -> dict[str, object]:
    """Return what else was given with a command, nothing where a program keeps something else there."""
    if not command.details:
        return {}
    try:
        found = json.loads(command.details)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _given(numbers: Iterable[int]) -> Given:
    found = tuple(sorted(numbers))
    return Given(number=found[0], numbers=found)


def is_not_begun(table: Timetable, node: Node, stage: str) -> bool:
    """Return whether nobody has begun with a job yet."""
    return stage == "requested" or (stage == "waiting" and not table.states[node[0]][node[1]])


def groups(table: Timetable, stages: dict[Node, str]) -> list[ProgressGroup]:
    """Return how far the jobs of each process are."""
    by_process: dict[str, Counter[str]] = {}
    for (name, _), stage in stages.items():
        by_process.setdefault(name, Counter())[stage] += 1
    return [
        ProgressGroup(process=name, qualifier=table.states[name].qualifier.noun, total=counts.total(), counts=dict(counts))
        for name, counts in by_process.items()
    ]


def unfinished(table: Timetable, stages: dict[Node, str], most: int) -> list[ProgressLine]:
    """Return the first jobs that are not finished: those that need a person, then what runs, then what waits."""
    left = sorted((STAGES.index(stage), at, node) for at, (node, stage) in enumerate(stages.items()) if stage != "finished")
    found = []
    for rank, _, node in left[:most]:
        job = table.active.get(node)
        since, reason = (job.changed_at, job.held or job.reason) if job else (None, "")
        found.append(ProgressLine(process=node[0], timeperiod=table.period(node), phase=STAGES[rank], since=since, reason=reason))
    return found
