"""What does an operator's command do to a freerun entry? It is carried out and answered in one turn; what it changes, no context undoes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

from db.entries import Entry
from db.model import Command, CommandState
from scheduler import freerun
from scheduler.board import Board
from scheduler.freerun import GIVEN_FIELDS, Rules
from system.context import Context
from system.entry_check import near, process_faults
from system.fires import trigger_id
from system.lifecycle import UowState

Result = tuple[CommandState, str]

PREFIX = "freerun "
UNDERTAKING = "undertaking"  # what marks commands that were given together, beside the fields that a command gives


class _Refusal(Exception):
    """What a command can't do, and why."""


def obey_entry(command: Command, board: Board) -> Result:
    """Carry out `command`, whose verb begins with PREFIX and whose timeperiod is an entry's name; returns the answer."""
    name = command.verb.removeprefix(PREFIX)
    verb = _VERBS.get(name)
    if verb is None:
        known = ", ".join(PREFIX + name for name in _VERBS)
        return CommandState.REFUSED, f"there is no command {command.verb!r}: use one of {known}"
    try:
        details = json.loads(command.details) if command.details else {}
        details.pop(UNDERTAKING, None)
        answer = verb(command, board, details)
    except (_Refusal, ValueError) as refusal:
        return CommandState.REFUSED, str(refusal)
    board.draft.tell_command(command.process, command.timeperiod, name, command.who, command.why)
    return CommandState.DONE, answer


def faults_of(context: Context, process: str, name: str, given: Mapping[str, object]) -> list[str]:
    """Return what is wrong with an entry of these fields over those of its context, empty where nothing is."""
    base = context.entry(process, name)
    if base is None:
        return [unknown_process(context, process)]
    unknown = [field for field in given if field not in GIVEN_FIELDS]
    if unknown:
        return [f"an entry has no field {field!r} to be given: use one of {', '.join(GIVEN_FIELDS)}" for field in unknown]
    if not isinstance(given.get("arguments", {}), dict):
        return ['arguments are no object: write {"name": value}']
    return list(process_faults(freerun.with_given(base, name, dict(given)), ""))


def unknown_process(context: Context, process: str) -> str:
    """Return the sentence that there is no such freerun process, with the nearest one."""
    names = list(dict.fromkeys(name for name, _ in context.freerun))
    return f"there is no freerun process {process!r}{near(process, names) or ': `launch.py list` shows them'}"


def _create(command: Command, board: Board, details: Mapping[str, object]) -> str:
    key = (command.process, command.timeperiod)
    if (rules := board.freerun.rules(key)) is not None and not rules.is_gone:
        raise _Refusal(f"{'/'.join(key)} is there already: `change` changes it")
    if key not in board.context.freerun and "trigger_frequency" not in details:
        raise _Refusal(f"{'/'.join(key)} needs a schedule: give trigger_frequency")
    _check(board, key, details)
    now = board.draft.now
    entry = board.timetable.entries.get(key) or Entry(*key, turn=board.draft.number, since=now)
    # Where the clock was set back meanwhile, what was dealt with before is not to fire again.
    entry = replace(entry, given=_text(details), since=max(entry.since, now), is_deleted=False, is_made=key not in board.context.freerun)
    board.freerun.put(_said(entry, command, board))
    return f"{entry.title} is there; {_next(board, key)}"


def _change(command: Command, board: Board, details: Mapping[str, object]) -> str:
    entry, _rules = _found(command, board)
    before = json.loads(entry.given) if entry.given else {}
    taken_back = [str(field) for field in details.get("take_back", [])]  # type: ignore[attr-defined]
    wanted = {field: value for field, value in details.items() if field != "take_back"}
    if not wanted and not taken_back:
        raise _Refusal("nothing is to be changed: name a field")
    given = {field: value for field, value in {**before, **wanted}.items() if field not in taken_back}
    if isinstance(before.get("arguments"), dict) and isinstance(wanted.get("arguments"), dict):
        given["arguments"] = {**before["arguments"], **wanted["arguments"]}  # type: ignore[dict-item]
    if entry.is_made and "trigger_frequency" in taken_back:
        raise _Refusal(f"{entry.title} was made by a command, so the context has no schedule for it: give another one")
    _check(board, entry.key, given)
    board.freerun.put(_said(replace(entry, given=_text(given)), command, board))
    return f"{entry.title} is changed; {_next(board, entry.key)}"


def _switch(command: Command, board: Board, *, is_on: bool) -> str:
    _, rules = _found(command, board)
    if rules.process.is_on == is_on:
        raise _Refusal(f"{command.process}/{command.timeperiod} is {'on' if is_on else 'off'} already")
    return _change(command, board, {"is_on": is_on})


def _delete(command: Command, board: Board, _: Mapping[str, object]) -> str:
    entry, _rules = _found(command, board)
    board.freerun.put(_said(replace(entry, is_deleted=True, given="", waiting=()), command, board))
    tail = f"; {_counted(len(entry.runs), 'run goes', 'runs go')} on to the end" if entry.runs else ""
    return f"{entry.title} is deleted{tail}"


def _trigger(command: Command, board: Board, _: Mapping[str, object]) -> str:
    entry, rules = _found(command, board)
    fire = trigger_id(board.draft.now, entry.triggered)
    after = freerun.arrived(replace(entry, triggered=fire), fire, rules.overlap)
    if fire not in after.waiting:
        raise _Refusal(f"{entry.title} has not ended {_unended(entry)}, and its overlap is {rules.overlap.text!r}")
    board.freerun.put(after)
    return f"{entry.uow_id(fire)} is taken"


def _cancel(command: Command, board: Board, _: Mapping[str, object]) -> str:
    entry, _rules = _found(command, board)
    if not entry.runs and not entry.waiting:
        raise _Refusal(f"nothing of {entry.title} is running or waiting")
    board.freerun.put(replace(entry, waiting=(), canceled=entry.canceled + len(entry.waiting)))
    reason = f"operator {command.who} canceled it: {command.why}"
    ending = sum(board.freerun.call_off(entry.key, run.fire, reason) for run in entry.runs)
    dropped = _counted(len(entry.waiting), "fire that waited is", "fires that waited are")
    return f"{_counted(ending, 'run is', 'runs are')} being ended, {dropped} let go"


def _release(command: Command, board: Board, _: Mapping[str, object]) -> str:
    entry, _rules = _found(command, board)
    held = [run for run in entry.runs if run.held]
    if not held:
        raise _Refusal(f"nothing of {entry.title} is held")
    for run in held:
        flight = board.inflight.flights.get(entry.uow_id(run.fire))
        if flight is not None:
            flight.losses = min(flight.losses, 1)  # as for jobs: counts anew
        assert run.uow_state is UowState.INVALID
        released = replace(run, held="", failing_since=None, retry_at=board.draft.now)
        entry = freerun.with_run(entry, run, released)
    board.freerun.put(entry)
    return f"{_counted(len(held), 'run is', 'runs are')} tried again"


_VERBS: Mapping[str, Callable[[Command, Board, Mapping[str, object]], str]] = {
    "create": _create,
    "change": _change,
    "delete": _delete,
    "on": lambda command, board, _: _switch(command, board, is_on=True),
    "off": lambda command, board, _: _switch(command, board, is_on=False),
    "trigger": _trigger,
    "cancel": _cancel,
    "release": _release,
}
VERBS = tuple(_VERBS)


def _found(command: Command, board: Board) -> tuple[Entry, Rules]:
    key = (command.process, command.timeperiod)
    board.freerun.catch_up(key)  # what is due by now comes by what held until now, so that no fire is lost between two rules
    entry, rules = board.timetable.entries.get(key), board.freerun.rules(key)
    if entry is None or rules is None or rules.is_gone:
        names = [f"{process}/{name}" for (process, name), other in board.timetable.entries.items() if not other.is_deleted]
        raise _Refusal(f"there is no freerun entry {'/'.join(key)!r}{near('/'.join(key), names)}")
    return entry, rules


def _check(board: Board, key: tuple[str, str], given: Mapping[str, object]) -> None:
    faults = faults_of(board.context, *key, given)
    if faults:
        raise _Refusal(f"{'/'.join(key)}: {'; '.join(faults)}")


def _said(entry: Entry, command: Command, board: Board) -> Entry:
    return replace(entry, said=f"{command.who}: {command.why}", said_at=board.draft.now)


def _next(board: Board, key: tuple[str, str]) -> str:
    rules, entry = board.freerun.rules(key), board.timetable.entries[key]
    if rules is None or not rules.process.is_on:
        return "it is off"
    return f"it fires next at {rules.fires.after(entry.since):%Y-%m-%d %H:%M:%S}Z"


def _unended(entry: Entry) -> str:
    fires = [run.fire for run in entry.runs] + list(entry.waiting)
    return f"the fire {fires[0]}" if len(fires) == 1 else f"{len(fires)} fires"


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _text(given: Mapping[str, object]) -> str:
    return json.dumps(dict(given), sort_keys=True) if given else ""
