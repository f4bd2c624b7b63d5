"""When does a process run? `launch.py process show|on|off|frequency|reset`"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click
from rich.markup import escape

from db.model import CommandState
from launcher import named
from launcher.act import await_answer, say_answer, vars_of
from launcher.group import CommandGroup
from launcher.parts import Roof
from launcher.say import say
from launcher.screen import json_option, moment, number, printable, show, show_json, table_of
from launcher.steering import deployment, registered
from launcher.who import who
from scheduler.switches import Standing
from system.context import schedule_faults


@click.group("process", cls=CommandGroup)
def process_group() -> None:
    """Switch processes on and off, and change their schedules, at once and until it is taken back."""


@process_group.command("show")
@click.argument("names", nargs=-1, metavar="[PROCESS]...")
@json_option
@click.pass_obj
def show_command(roof: Roof, names: Sequence[str], *, as_json: bool) -> None:
    """Show how processes stand: on or off, by whom, since when, and by which schedule."""
    wanted = [named.managed(registered(roof), name).name for name in names]
    with deployment(roof) as there:
        found = [standing for standing in there.desk.standings() if not wanted or standing.process in wanted]
    if as_json:
        show_json(found)
        return
    table = table_of("process", "stands", "due", "schedule", "next", right=["due"], whole=["next"])
    for standing in found:
        table.add_row(*(escape(printable(cell)) for cell in _cells(standing)))
    show(table)


def _cells(found: Standing) -> tuple[str, ...]:
    stands = "on" if found.is_on else "off"
    if found.since:
        stands += f" since {moment(found.since)}" + (f", by {found.who}: {found.why}" if found.who else ", by the context")
    schedule = found.schedule
    if found.schedule_who:
        schedule += f" (the context: {found.own_schedule}; by {found.schedule_who}: {found.schedule_why})"
    return found.process, stands, number(found.waiting), schedule, moment(found.next)


def _switching(name: str, summary: str, *arguments: Callable[[Any], Any]) -> Callable[[Callable[..., Any]], click.Command]:
    """Return a decorator that makes a command of the group, with the options that all of them have."""

    def made(function: Callable[..., Any]) -> click.Command:
        for option in (
            click.pass_obj, json_option,
            click.option("--wait", "wait_s", default=5.0, show_default=True, metavar="SECONDS", help="How long to wait for the answer."),
            click.option("--why", "reason", required=True, metavar="TEXT", help="The reason; it is kept with the command."),
            *reversed(arguments), click.argument("names", nargs=-1, required=True, metavar="PROCESS..."),
        ):  # fmt: skip
            function = option(function)
        return process_group.command(name, help=summary)(function)

    return made


def _switch(roof: Roof, verb: str, names: Sequence[str], reason: str, wait_s: float, *, as_json: bool, frequency: str = "") -> int:
    wanted = [named.managed(registered(roof), name).name for name in names]
    if not reason.strip():
        raise named.BadName("--why is empty: say why, for whoever reads it later")
    with deployment(roof) as there:
        desk = there.desk
        numbers = [desk.switch(verb, name, who(), reason, frequency=frequency) for name in wanted]
        answers = [await_answer(desk, given, roof.clock, wait_s) for given in numbers]
        leads = bool(desk.health().leader)
    if as_json:
        show_json([{**vars_of(answered), "leads": leads} for answered in answers])
        return int(any(answered.state is CommandState.REFUSED for answered in answers))
    for answered in answers:
        say(f"stored as command {answered.number}{f' for {answered.process}' if len(answers) > 1 else ''}")
    looks = f"launch.py process show {' '.join(wanted)}"
    said = answers if leads else answers[:1]  # that nobody leads is one thing to say
    return max(say_answer(answered, leads=leads, as_json=False, look=looks) for answered in said)


@_switching("on", "Switch processes on. Which periods run that were missed says their catchup.")
def on_command(roof: Roof, names: Sequence[str], *, reason: str, wait_s: float, as_json: bool) -> int:
    """Switch processes on."""
    return _switch(roof, "on", names, reason, wait_s, as_json=as_json)


@_switching("off", "Switch processes off: their periods wait. What runs goes on; `job cancel` ends it.")
def off_command(roof: Roof, names: Sequence[str], *, reason: str, wait_s: float, as_json: bool) -> int:
    """Switch processes off."""
    return _switch(roof, "off", names, reason, wait_s, as_json=as_json)


@_switching("reset", "Let the context say again whether processes are on, and by which schedule they run.")
def reset_command(roof: Roof, names: Sequence[str], *, reason: str, wait_s: float, as_json: bool) -> int:
    """Let the context say again how processes stand."""
    return _switch(roof, "reset", names, reason, wait_s, as_json=as_json)


@_switching(
    "frequency", "Give processes another schedule, such as 'every 60' or 'at 03:30'; it says nothing about on and off.",
    click.argument("schedule", metavar="SCHEDULE"),
)  # fmt: skip
def frequency_command(roof: Roof, names: Sequence[str], schedule: str, *, reason: str, wait_s: float, as_json: bool) -> int:
    """Give processes another schedule."""
    if fault := schedule_faults(schedule):
        raise named.BadName(fault)
    return _switch(roof, "frequency", names, reason, wait_s, as_json=as_json, frequency=schedule)
