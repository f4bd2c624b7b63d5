"""What does a command that switches a process do, and what is it answered?"""

from __future__ import annotations

import json

from db.model import Command, CommandState, Switch
from scheduler.blockers import said
from scheduler.board import Board
from scheduler.switches import current, not_caught_up, own_schedule, rescheduled, said_off, turned
from scheduler.timetable import States
from system.errors import ScheduleError
from system.schedule import parse_schedule

VERBS = ("on", "off", "frequency", "reset")

Result = tuple[CommandState, str]


def obey(command: Command, board: Board) -> Result:
    """Carry out a command whose verb is one of VERBS."""
    states = board.timetable.states.get(command.process)
    if states is None:
        return CommandState.REFUSED, f"there is no managed process {command.process!r}"
    if command.verb == "frequency":
        return _frequency(command, states, board)
    if command.verb == "reset":
        return _reset(command, states, board)
    return _turn(command, states, board, is_on=command.verb == "on")


def _turn(command: Command, states: States, board: Board, *, is_on: bool) -> Result:
    now, turn, name = board.draft.now, board.draft.number, command.process
    before = states.switch
    if states.is_on == is_on and before is not None and before.who:
        found = f"{name} is on since {said(before.at)}, by {before.who}: {before.why}" if is_on else said_off(states)
        return CommandState.REFUSED, f"nothing was changed: {found}"
    after = turned(states, board.topology, is_on=is_on, who=command.who, why=command.why, now=now, turn=turn)
    is_change = states.is_on != is_on
    board.switch(after)
    if not is_change:
        return CommandState.DONE, f"{name} is {'on' if is_on else 'off'} as before, now whatever the context says"
    return CommandState.DONE, _said_on(after, states) if is_on else f"{name} is off: its periods wait; what runs goes on"


def _said_on(after: Switch, states: States) -> str:
    count = not_caught_up(after, states)
    if not count:
        return f"{after.process} is on"
    missed = f"{count:,} missed {'period is' if count == 1 else 'periods are'} not caught up"
    return f"{after.process} is on; {missed}: catchup={states.process.catchup!r}"


def _frequency(command: Command, states: States, board: Board) -> Result:
    try:
        text = str(json.loads(command.details)["frequency"])
        parse_schedule(text)
    except ScheduleError as error:
        return CommandState.REFUSED, str(error)
    except (ValueError, LookupError, TypeError) as error:
        return CommandState.REFUSED, f"the command names no schedule ({error!r}): give one"
    before = states.schedule.text
    now, turn = board.draft.now, board.draft.number
    board.switch(rescheduled(current(states, now, turn), text, who=command.who, why=command.why, now=now, turn=turn))
    return CommandState.DONE, f"{command.process} runs {text!r}, no longer {before!r}; it is {'on' if states.is_on else 'off'}"


def _reset(command: Command, states: States, board: Board) -> Result:
    now, turn, before = board.draft.now, board.draft.number, states.switch
    if before is None or not (before.who or before.frequency):
        return CommandState.REFUSED, f"nothing was changed: {command.process} is as the context has it"
    process = states.process
    after = turned(states, board.topology, is_on=process.is_on, who="", why="", now=now, turn=turn) if before.who else before
    board.switch(own_schedule(after, turn))
    stands = f"{'on' if process.is_on else 'off'}, {process.trigger_frequency!r}"
    return CommandState.DONE, f"{process.name} is as the context has it: {stands}"
