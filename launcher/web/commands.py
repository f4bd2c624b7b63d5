"""What was commanded, and what came of it? Commands are stored as the launcher stores them; turn and timetable tell how far they are."""

from __future__ import annotations

import json
from collections import Counter, OrderedDict
from collections.abc import Sequence
from typing import cast

from db.model import Command, CommandState
from launcher.web import plans
from launcher.web.area import Area
from launcher.web.asked import asked
from launcher.web.parts import WebParts
from launcher.web.plans import Part
from mx.models.commands import CommandLine, CommandPage, Progress, ProgressGroup, ProgressLine
from mx.models.plans import Given, Verb, WhatIf
from scheduler.durations import Durations, Usual
from scheduler.effects import STAGES, has_unit, stage_of, touched
from scheduler.plans import PREVIEWS
from scheduler.timetable import Node, Timetable
from system.errors import Refused
from system.lifecycle import UowState

_TOGETHER = 100  # commands before and after one that are looked at for those given with it
_FILTERED = 1_000  # commands that are looked at for a page with a filter
_MOST_UOWS = 500
_KEPT = 64  # undertakings whose jobs are remembered
_LEFT = ("hold", "skip")


class CommandsArea(Area):
    """Answers `mx.desk_commands.CommandsDesk`."""

    def __init__(self, parts: WebParts) -> None:
        super().__init__(parts)
        self._touched: OrderedDict[int, list[Node] | None] = OrderedDict()
        self._usual: dict[str, tuple[int, Usual | None]] = {}

    @asked
    def what_if(self, verb: str, processes: Sequence[str], timeperiod: str, until: str = "") -> WhatIf:
        """Return what a command, or one for each process, would touch now."""
        found = plans.planned(self.parts.desk, verb, self._parts(processes, timeperiod, until))
        return plans.what_if(self.parts.desk, cast("Verb", verb), (timeperiod, until), found)

    @asked
    def give(
        self, verb: str, processes: Sequence[str], timeperiod: str, who: str, why: str, *, until: str = "", token: str = ""
    ) -> Given:
        """Store what `what_if` showed."""
        return self._before(token) or self._give(verb, self._parts(processes, timeperiod, until), who, why, token)

    @asked
    def what_is_left(self, number: int, verb: str) -> WhatIf:
        """Return what `verb` would do to what an undertaking has not begun."""
        found = plans.planned(self.parts.desk, verb, self._left(number, verb))
        return plans.what_if(self.parts.desk, cast("Verb", verb), ("", ""), found)

    @asked
    def give_left(self, number: int, verb: str, who: str, why: str, *, token: str = "") -> Given:
        """Store what `what_is_left` showed."""
        return self._before(token) or self._give(verb, self._left(number, verb), who, why, token)

    @asked
    def commands(
        self, *, before: int = 0, who: str = "", verb: str = "", process: str = "", state: str = "", limit: int = 50
    ) -> CommandPage:
        """Return commands, the newest first."""
        wanted = {name: text for name, text in (("who", who), ("verb", verb), ("process", process), ("state", state)) if text}
        limit = max(1, min(limit, _FILTERED))
        found = self.parts.store.latest_commands(max(0, before), _FILTERED if wanted else limit + 1)
        lines = [command for command in found if all(str(getattr(command, name)) == text for name, text in wanted.items())]
        is_more = len(lines) > limit
        last = lines[limit - 1].number if is_more else found[-1].number if len(found) == _FILTERED else 0
        return CommandPage(lines=tuple(line_of(command) for command in lines[:limit]), next=last, looked_at=min(len(found), _FILTERED))

    @asked
    def progress(self, number: int, *, lines: int = 50) -> Progress:
        """Return a command with what came of it and of those given with it."""
        together = self._together(self.parts.store.command(number))
        command = next(each for each in together if each.number == number)
        desk, health = self.parts.desk, self.parts.desk.health()
        table = desk.read()
        nodes, is_known = self._nodes(together, table)
        stages = self._stages(table, nodes)
        counts = Counter(stages.values())
        slots = sum(session.slots for session in health.sessions if session.kind == "worker")
        answered = all(each.state is not CommandState.OPEN for each in together)
        is_over = answered and (counts["finished"] == len(nodes) or command.verb in ("hold", "cancel"))
        left = [node for node, stage in stages.items() if stage != "finished"]
        return Progress(
            command=line_of(command),
            together=tuple(line_of(each) for each in together),
            total=len(nodes),
            counts=dict(counts),
            groups=tuple(_groups(table, stages)),
            lines=tuple(_lines(table, stages, lines)),
            not_begun=sum(1 for node in nodes if _is_not_begun(table, node, stages[node])),
            left_s=self._left_s(table, left, slots) if command.verb not in ("hold", "skip", "cancel") else None,
            is_over=is_over,
            is_led=bool(health.leader),
            is_known=is_known,
        )

    # -- giving

    def _parts(self, processes: Sequence[str], timeperiod: str, until: str) -> list[Part]:
        desk = self.parts.desk
        return plans.parts_of(self.parts.roof.context, desk.topology.order(), processes, timeperiod, until)

    def _before(self, token: str) -> Given | None:
        """Return what was given under `token` already, None for nothing: a form may be sent twice."""
        latest = self.parts.store.latest_commands(0, 2 * _TOGETHER) if token else []
        numbers = sorted(each.number for each in latest if _undertaking(each) == token)
        return Given(number=numbers[0], numbers=tuple(numbers)) if numbers else None

    def _give(self, verb: str, parts: Sequence[Part], who: str, why: str, token: str) -> Given:
        if not why.strip():
            raise Refused("no reason is given: say why, for whoever reads it later")
        desk = self.parts.desk
        found = plans.planned(desk, verb, parts)
        given = [each for each in found if each.is_given]
        if not given:
            raise Refused(f"nothing to {verb}: {found[0].plan.refusal if found else 'nothing is left'}")
        numbers = []
        for each in given:
            timeperiod, until = plans.texts(desk.read(), each.part)
            details = {"undertaking": token, "planned": len(each.plan.steps)} if token else {"planned": len(each.plan.steps)}
            command = Command(verb, each.part.process, timeperiod, who, why.strip(), self.now(), until, details=json.dumps(details))
            numbers.append(desk.tell(command))
        return Given(number=numbers[0], numbers=tuple(numbers))

    # -- what came of it

    def _together(self, command: Command) -> list[Command]:
        """Return the commands that were given with one, by number."""
        token = _undertaking(command)
        if not token:
            return [command]
        near = self.parts.store.latest_commands(command.number + _TOGETHER, 2 * _TOGETHER)
        return sorted((each for each in near if _undertaking(each) == token), key=lambda each: each.number)

    def _nodes(self, together: Sequence[Command], table: Timetable) -> tuple[list[Node], bool]:
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
            turns = self.parts.store.turns_after(command.turn - 1, 1)
            is_there = bool(turns) and turns[0].number == command.turn
            self._touched[command.number] = touched(command, turns[0], table) if is_there else None
            while len(self._touched) > _KEPT:
                self._touched.popitem(last=False)
        return self._touched[command.number]

    def _stages(self, table: Timetable, nodes: Sequence[Node]) -> dict[Node, str]:
        active = [job for node in nodes if (job := table.active.get(node)) is not None and has_unit(job)]
        uows = self.parts.store.uows([job.uow_id for job in active[:_MOST_UOWS]]) if active else []
        running = {uow.id for uow in uows if uow.state is UowState.IN_PROGRESS}
        return {node: stage_of(table, node, running) for node in nodes}

    def _left(self, number: int, verb: str) -> list[Part]:
        """Return what an undertaking has not begun, as ranges; raises NotFound, or Refused where that can't be said."""
        if verb not in _LEFT:
            raise Refused(f"what has not begun can be given up or held, and nothing else: use one of {', '.join(_LEFT)}")
        together, table = self._together(self.parts.store.command(number)), self.parts.desk.read()
        nodes, is_known = self._nodes(together, table)
        if not is_known:
            raise Refused("the turn that carried it out is not kept any more, so that its jobs are not known")
        stages = self._stages(table, nodes)
        left = [node for node in nodes if _is_not_begun(table, node, stages[node])]
        if verb == "hold":  # what is requested can't be held any more
            left = [node for node in left if stages[node] == "waiting"]
        found = plans.folded(left)
        if not found:
            raise Refused("nothing of it is left that has not begun")
        if len(found) > _TOGETHER:
            raise Refused(f"what is left lies in {len(found):,} ranges, which are too many at once: do it process by process")
        return found

    def _left_s(self, table: Timetable, left: Sequence[Node], slots: int) -> float | None:
        """Return how long `left` takes by what its processes usually take; None where one has no history, or nobody works."""
        durations, total = Durations(self.parts.store, table), 0.0
        for name, count in Counter(node[0] for node in left).items():
            edits = table.states[name].edits
            if name not in self._usual or edits - self._usual[name][0] > max(20, count):
                self._usual[name] = edits, durations.of(name)
            usual = self._usual[name][1]
            if usual is None:
                return None
            total += count * usual.seconds
        return total / slots if slots else None


def line_of(command: Command) -> CommandLine:
    """Return a command as a line."""
    plain = {name: getattr(command, name) for name in CommandLine.model_fields if name not in ("state", "undertaking")}
    return CommandLine(**plain, state=command.state.value, undertaking=_undertaking(command))


def _undertaking(command: Command) -> str:
    if not command.details:
        return ""
    found = json.loads(command.details)
    return str(found.get("undertaking", "")) if isinstance(found, dict) else ""


def _is_not_begun(table: Timetable, node: Node, stage: str) -> bool:
    return stage == "requested" or (stage == "waiting" and not table.states[node[0]][node[1]])


def _groups(table: Timetable, stages: dict[Node, str]) -> list[ProgressGroup]:
    by_process: dict[str, Counter[str]] = {}
    for (name, _), stage in stages.items():
        by_process.setdefault(name, Counter())[stage] += 1
    return [
        ProgressGroup(process=name, qualifier=table.states[name].qualifier.noun, total=counts.total(), counts=dict(counts))
        for name, counts in by_process.items()
    ]


def _lines(table: Timetable, stages: dict[Node, str], most: int) -> list[ProgressLine]:
    left = sorted((STAGES.index(stage), at, node) for at, (node, stage) in enumerate(stages.items()) if stage != "finished")
    found = []
    for rank, _, node in left[:most]:
        job = table.active.get(node)
        since, reason = (job.changed_at, job.held or job.reason) if job else (None, "")
        found.append(ProgressLine(process=node[0], timeperiod=table.period(node), phase=STAGES[rank], since=since, reason=reason))
    return found
