"""What brings work about? The schedules of managed processes, and freerun entries; commands about both."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from db.model import Command, UnitOfWork
from launcher.web.area import Area
from launcher.web.asked import asked
from launcher.web.hiding import shown_arguments
from launcher.web.schedule_trial import tried
from launcher.web.undertakings import given_before, marked
from mx.models.triggers import (
    EntryDetails,
    EntryTrigger,
    EntryTriggers,
    Fire,
    FireOutput,
    ProcessTrigger,
    ProcessTriggers,
    ScheduleTrial,
    Waiting,
)
from scheduler.freerun import GIVEN_FIELDS
from scheduler.freerun_commands import PREFIX, VERBS, faults_of, unknown_process
from scheduler.freerun_desk import EntryView, FreerunDesk
from scheduler.switches import standing
from scheduler.switching import VERBS as SWITCHING
from scheduler.timetable import States, id_of
from system.context import schedule_faults
from system.entry_check import near
from system.errors import ConfigError, NotFound, ScheduleError
from system.hidden import hide

_SESSION = re.compile(r"(.+)-(?:worker|scheduler|supervisor)-\d+-[0-9a-f]+")
_MOST_OPEN = 10_000
_WITH_FIELDS = ("create", "change")
_OUTPUT_CHARS = 65_536
_COUNTS = ("fired", "succeeded", "failed", "canceled", "overlapped", "missed")
_OF_RECORD = (*_COUNTS, "is_made", "said", "said_at", "missed_from", "missed_until", "waiting")
_BEFORE_ANY: Mapping[str, object] = {
    **dict.fromkeys(_COUNTS, 0), "is_made": False, "said": "", "said_at": None, "missed_from": None, "missed_until": None, "waiting": (),
}  # fmt: skip
_TEXTS = ("description", "overlap", "misfire", "on_failure", "classname", "queue")


class TriggersArea(Area):
    """Answers `mx.desk_triggers.TriggersDesk`."""

    @property
    def _freerun(self) -> FreerunDesk:
        joined, desk = self.parts.joined, self.parts.desk
        return FreerunDesk(joined.store, joined.broker, self.parts.context, self.parts.roof.clock, desk.entries)

    @asked
    def process_triggers(self, *, words: str = "", state: str = "", offset: int = 0, limit: int = 50) -> ProcessTriggers:
        """Return managed processes."""
        table, now, low = self.parts.desk.read(), self.now(), words.casefold()
        found = [states for name, states in table.states.items() if low in name.casefold() and _is_in(state, states)]
        rows = tuple(_process(states, now) for states in found[offset : offset + limit])
        return ProcessTriggers(rows=rows, total=len(found))

    @asked
    def process_trigger(self, process: str) -> ProcessTrigger:
        """Return one managed process."""
        states = self.parts.desk.read().states.get(process)
        if states is None:
            hint = near(process, list(self.parts.context.managed)) or ": /triggers lists them"
            raise NotFound(f"there is no process {process!r} that has a schedule{hint}")
        return _process(states, self.now())

    @asked
    def entry_triggers(self, *, process: str = "", words: str = "", state: str = "", offset: int = 0, limit: int = 50) -> EntryTriggers:
        """Return freerun entries."""
        lines, total = self._freerun.part(process=process, words=words, state=state, offset=offset, limit=limit)
        rows = [EntryTrigger(**{name: getattr(line, name) for name in EntryTrigger.model_fields}) for line in lines]
        return EntryTriggers(rows=tuple(rows), total=total)

    @asked
    def entry_details(self, process: str, entry: str, *, coming: int = 5, fires: int = 20) -> EntryDetails:
        """Return a freerun entry."""
        desk = self._freerun
        view = desk.view(process, entry)
        uows = self.parts.store.fires(process, entry, fires)
        return _details(view, desk.next_fires(process, entry, coming), uows)

    @asked
    def fire_output(self, process: str, entry: str, fire: str) -> FireOutput:
        """Return what a fire printed."""
        uow = f"{process}/{entry}/{fire}/1"
        if not self.parts.store.uows([uow]):
            where = f"/triggers/{process}/{entry} lists the last ones"
            raise NotFound(f"there is no fire {fire} of {process}/{entry}, or it was archived: {where}")
        text = "".join(piece.text for piece in self.parts.store.output(uow))
        return FireOutput(uow=uow, text=hide(text[-_OUTPUT_CHARS:]), is_cut=len(text) > _OUTPUT_CHARS)

    @asked
    def freerun_processes(self) -> tuple[str, ...]:
        """Return the freerun processes."""
        return tuple(dict.fromkeys(process for process, _ in self.parts.context.freerun))

    @asked
    def try_schedule(self, schedule: str, *, process: str, entry: str = "", count: int = 5) -> ScheduleTrial:
        """Return what a schedule would mean."""
        return tried(schedule, process=process, entry=entry, now=self.now(), count=count)

    # -- commands

    @asked
    def switch_process(self, verb: str, process: str, who: str, why: str, *, frequency: str = "", token: str = "") -> int:
        """Store a command that switches a process."""
        if verb not in SWITCHING:
            raise NotFound(f"there is no command {verb!r} for a process: use one of {', '.join(SWITCHING)}")
        if verb == "frequency" and (fault := schedule_faults(frequency)):
            raise ScheduleError(fault)
        before = given_before(self.parts.store, token, verb, process, "", who)
        return before or self.parts.desk.switch(verb, process, who, why, frequency=frequency, facts=marked(token))

    @asked
    def trigger_process(self, process: str, timeperiod: str, who: str, why: str, *, token: str = "") -> int:
        """Store a command that makes a period due now."""
        before = given_before(self.parts.store, token, "trigger", process, timeperiod, who)
        return before or self.parts.desk.give("trigger", process, timeperiod, who, why, facts=marked(token))

    @asked
    def command_entry(
        self, verb: str, process: str, entry: str, who: str, why: str, fields: Mapping[str, object] | None = None, *, token: str = ""
    ) -> int:
        """Store a command about an entry."""
        fields, context = dict(fields or {}), self.parts.context
        if verb not in VERBS:
            raise NotFound(f"there is no command {verb!r} for an entry: use one of {', '.join(VERBS)}")
        if before := given_before(self.parts.store, token, PREFIX + verb, process, entry, who):
            return before
        if context.entry(process, entry) is None:
            raise NotFound(unknown_process(context, process))
        desk = self._freerun
        if verb == "create" and (process, entry) not in context.freerun and "trigger_frequency" not in fields:
            raise ConfigError(f"{process}/{entry} needs a schedule: it is not in the context")
        if verb not in ("create",) and not self._is_coming(process, entry):
            desk.view(process, entry)  # raises NotFound
        self._check(verb, process, entry, fields)
        return desk.give(verb, process, entry, who, why, fields | marked(token))

    def _check(self, verb: str, process: str, entry: str, fields: Mapping[str, object]) -> None:
        """Refuse fields that the scheduler would refuse."""
        if verb not in _WITH_FIELDS:
            if fields:
                raise ConfigError(f"{verb} takes no fields")
            return
        given = {name: value for name, value in fields.items() if name != "take_back"}
        back = fields.get("take_back", [])
        if not isinstance(back, list) or any(name not in GIVEN_FIELDS for name in back):
            raise ConfigError(f"take_back is {back!r}: give a list of names among {', '.join(GIVEN_FIELDS)}")
        if verb == "change" and not fields:
            raise ConfigError("say what is to be changed: nothing differs from how it is")
        if faults := faults_of(self.parts.context, process, entry, given):
            raise ConfigError("; ".join(faults), tuple(faults))

    def _is_coming(self, process: str, entry: str) -> bool:
        """Return whether a command that makes the entry waits for a scheduler."""
        open_ones: Sequence[Command] = self.parts.store.open_commands(_MOST_OPEN)
        return any((c.verb, c.process, c.timeperiod) == ("freerun create", process, entry) for c in open_ones)


def _is_in(state: str, states: States) -> bool:
    if state == "changed":
        return states.switch is not None and bool(states.switch.who or states.switch.frequency)
    return not state or states.is_on == (state == "on")


def _process(states: States, now: datetime) -> ProcessTrigger:
    found = standing(states, now)
    fields = {name: getattr(found, name) for name in ProcessTrigger.model_fields if name not in ("ahead", "is_live")}
    return ProcessTrigger(**fields, is_live=states.process.is_live, ahead=_ahead(states, now))


def _ahead(states: States, now: datetime) -> str:
    """Return the period that waits for its lag or its schedule alone, so that a trigger makes it due; empty for none."""
    ordinal = max(states.due_end(now), states.first)
    if not states.is_on or (states.last is not None and ordinal >= states.last) or not states.may_go_ahead(ordinal, now):
        return ""
    if states[ordinal] or states.begin_at(ordinal) > now:
        return ""
    return id_of(states.qualifier, ordinal)


def _details(view: EntryView, coming: Sequence[datetime], uows: Sequence[UnitOfWork]) -> EntryDetails:
    record, fields = view.record, view.fields
    arguments = fields.get("arguments") or {}
    assert isinstance(arguments, Mapping)
    found: dict[str, object] = {name: getattr(record, name) for name in _OF_RECORD} if record else dict(_BEFORE_ANY)
    found |= {name: fields.get(name) or "" for name in _TEXTS}
    found |= {
        "process": view.process, "entry": view.entry, "state": view.state, "schedule": fields.get("trigger_frequency", ""),
        "arguments": shown_arguments(arguments), "grace_s": fields.get("grace_s", 0), "max_attempts": fields.get("max_attempts", 0),
        "given": tuple(view.given), "next_fires": tuple(coming), "fires": tuple(map(_fire, uows)),
        "is_held": any(run.held for run in record.runs) if record else False,
        "why": tuple(Waiting(kind=each.kind, text=hide(each.text), since=each.since) for each in view.why),
    }  # fmt: skip
    return EntryDetails.model_validate(found)


def _fire(uow: UnitOfWork) -> Fire:
    ended = uow.finished_at if uow.finished_at and uow.started_at and uow.finished_at >= uow.started_at else None
    seconds = (ended - uow.started_at).total_seconds() if ended and uow.started_at else None
    box = _SESSION.fullmatch(uow.session)
    return Fire(
        fire=uow.timeperiod, uow=uow.id, state=uow.state.value, at=uow.opened_at, started_at=uow.started_at, finished_at=uow.finished_at,
        seconds=seconds, failures=uow.failures, losses=uow.losses, rows=uow.rows, reason=hide(uow.reason), box=box[1] if box else "",
    )  # fmt: skip
