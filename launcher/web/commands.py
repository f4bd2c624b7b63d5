"""What was commanded, and what came of it? The audit log, plans before they are given, and the progress of what was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import cast

from db.model import Command, CommandState
from launcher.web import plans, undertakings
from launcher.web.area import Area
from launcher.web.asked import asked
from launcher.web.hiding import shown_json
from launcher.web.parts import WebParts
from launcher.web.undertakings import Undertakings, undertaking
from mx.models.commands import CommandLine, CommandPage, Progress
from mx.models.plans import Given, Verb, WhatIf

_FILTERED = 1_000  # commands that are looked at for a page with a filter
_TOLD_ELSE = ("state", "undertaking", "details")  # of a line, beside what is copied


class CommandsArea(Area):
    """Answers `mx.desk_commands.CommandsDesk`."""

    def __init__(self, parts: WebParts) -> None:
        super().__init__(parts)
        self._undertakings = Undertakings(parts)

    @asked
    def what_if(self, verb: str, processes: Sequence[str], timeperiod: str, until: str = "") -> WhatIf:
        """Return what a command, or one for each process, would touch now."""
        desk = self.parts.desk
        found = plans.planned(desk, verb, self._undertakings.parts(processes, timeperiod, until))
        return plans.what_if(desk, cast("Verb", verb), (timeperiod, until), found)

    @asked
    def give(self, verb: str, processes: Sequence[str], timeperiod: str, who: str, why: str, *, until: str = "", token: str = "") -> Given:
        """Store what `what_if` showed."""
        found = self._undertakings
        return found.give(verb, lambda: found.parts(processes, timeperiod, until), who, why, token)

    @asked
    def what_is_left(self, number: int, verb: str) -> WhatIf:
        """Return what `verb` would do to what an undertaking has not begun."""
        desk = self.parts.desk
        return plans.what_if(desk, cast("Verb", verb), ("", ""), plans.planned(desk, verb, self._undertakings.left(number, verb)))

    @asked
    def give_left(self, number: int, verb: str, who: str, why: str, *, token: str = "") -> Given:
        """Store what `what_is_left` showed."""
        found = self._undertakings
        return found.give(verb, lambda: found.left(number, verb), who, why, token)

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
        return CommandPage(lines=tuple(_line(command) for command in lines[:limit]), next=last, looked_at=len(found))

    @asked
    def progress(self, number: int, *, lines: int = 50) -> Progress:
        """Return a command with what came of it and of those given with it."""
        found, desk = self._undertakings, self.parts.desk
        together = found.together(number)
        command = next(each for each in together if each.number == number)
        health, table = desk.health(), desk.read()
        nodes, is_known = found.nodes(together, table)
        stages = found.stages(table, nodes)
        counts = Counter(stages.values())
        slots = sum(session.slots for session in health.sessions if session.kind == "worker")
        is_answered = all(each.state is not CommandState.OPEN for each in together)
        left = [node for node, stage in stages.items() if stage != "finished"]
        runs = command.verb not in ("hold", "skip", "cancel")
        return Progress(
            command=_line(command),
            together=tuple(_line(each) for each in together),
            total=len(nodes),
            counts=dict(counts),
            groups=tuple(undertakings.groups(table, stages)),
            lines=tuple(undertakings.unfinished(table, stages, lines)),
            not_begun=sum(1 for node in nodes if undertakings.is_not_begun(table, node, stages[node])),
            left_s=found.left_s(table, left, slots) if runs else None,
            is_over=is_answered and (not left or command.verb in ("hold", "cancel")),
            is_led=bool(health.leader),
            is_known=is_known,
        )


def _line(command: Command) -> CommandLine:
    plain = {name: getattr(command, name) for name in CommandLine.model_fields if name not in _TOLD_ELSE}
    return CommandLine(**plain, state=command.state.value, undertaking=undertaking(command), details=shown_json(command.details))
