"""What can be done to jobs? `launch.py job cancel|reprocess|release|skip|hold|trigger`, and what it would touch: `launch.py plan`."""

from __future__ import annotations

import click
from rich.markup import escape

from db.model import Command, CommandState
from launcher import named
from launcher.job import job_group
from launcher.parts import Roof
from launcher.remote.desk import RemoteDesk
from launcher.say import say
from launcher.screen import json_option, show, show_json, table_of
from launcher.steering import deployment, registered
from launcher.who import who
from scheduler.desk import Desk
from scheduler.durations import Forecast, span_text
from scheduler.plans import PREVIEWS, Plan
from system.clock import Clock

_LOOK_S = 0.05
_SHOWN = 20
_PERIODS = "PERIOD[..END]"


def _command(verb: str, summary: str) -> None:
    @job_group.command(verb, help=f"{summary} PERIOD..END is a range; END is the first period that is left out.")
    @click.argument("process", metavar="PROCESS")
    @click.argument("periods", metavar=_PERIODS)
    @click.option("--why", "reason", required=True, metavar="TEXT", help="The reason; it is kept with the command.")
    @click.option("--wait", "wait_s", default=5.0, show_default=True, metavar="SECONDS", help="How long to wait for the answer.")
    @json_option
    @click.pass_obj
    def act(roof: Roof, process: str, periods: str, *, reason: str, wait_s: float, as_json: bool) -> int:
        entry = named.managed(registered(roof), process)
        first, until = named.period_range(entry, periods)
        if not reason.strip():
            raise named.BadName("--why is empty: say why, for whoever reads it later")
        with deployment(roof) as found:
            desk = found.desk
            number = desk.give(verb, entry.name, first, who(), reason, until=until)
            if not as_json:
                say(f"stored as command {number}")
            answered = await_answer(desk, number, roof.clock, wait_s)
            leads = bool(desk.health().leader)
        return say_answer(answered, leads=leads, as_json=as_json)


_command("cancel", "End what jobs have under way; they are skipped.")
_command("reprocess", "Run jobs, their ancestors and their dependants anew.")
_command("release", "Let jobs that are held go on.")
_command("skip", "Give up jobs that are not finished, with their descendants.")
_command("hold", "Let jobs that have not begun wait until they are released.")
_command("trigger", "Run periods that are over now, without waiting for their lag or schedule; their gates still hold.")


@click.command("plan")
@click.argument("verb", type=click.Choice(list(PREVIEWS)), metavar="VERB")
@click.argument("process", metavar="PROCESS")
@click.argument("periods", metavar=_PERIODS)
@click.option("--all", "show_all", is_flag=True, help=f"Show every job, not only the first {_SHOWN}.")
@json_option
@click.pass_obj
def plan_command(roof: Roof, verb: str, process: str, periods: str, *, show_all: bool, as_json: bool) -> int:
    """Show what a command would touch, in order, without giving it.

    VERB is reprocess, skip, hold, release, trigger or cancel. PERIOD..END is a range; END is the first period left out.
    """
    entry = named.managed(registered(roof), process)
    first, until = named.period_range(entry, periods)
    with deployment(roof) as found:
        plan = found.desk.plan(verb, entry.name, first, until=until)
        expected = found.desk.forecast(plan)
    if as_json:
        steps = [{**row, "expected_s": seconds} for row, seconds in zip(_rows(roof, plan), expected.steps, strict=True)]
        whole = {name: getattr(expected, name) for name in ("seconds", "chain_s", "slots", "unknown")}
        show_json({"refusal": plan.refusal, "counts": plan.counts(), "steps": steps, "expected": whole})
    elif plan.steps:
        _show_plan(_rows(roof, plan), plan, expected, show_all=show_all)
    else:
        say(f"nothing to {verb}: {plan.refusal}", err=True)
    return 0 if plan.steps else 1


def _rows(roof: Roof, plan: Plan) -> list[dict[str, str]]:
    from scheduler.timetable import id_of

    qualifiers = {name: process.qualifier for name, process in registered(roof).managed.items()}
    return [
        {"process": step.node[0], "timeperiod": id_of(qualifiers[step.node[0]], step.node[1]), "action": step.action.value}
        for step in plan.steps
    ]


def _show_plan(rows: list[dict[str, str]], plan: Plan, expected: Forecast, *, show_all: bool) -> None:
    table = table_of("process", "period", "would be", "usually takes", whole=["period", "usually takes"])
    for row, seconds in list(zip(rows, expected.steps, strict=True))[: None if show_all else _SHOWN]:
        is_unknown = seconds is None and row["process"] in expected.unknown
        said = "no history" if is_unknown else "" if seconds is None else span_text(seconds)
        table.add_row(*(escape(cell) for cell in row.values()), said)
    show(table)
    if len(rows) > _SHOWN and not show_all:
        say(f"... and {len(rows) - _SHOWN:,} more; --all shows them")
    say("; ".join(f"{count:,} {action}" for action, count in plan.counts().items()))
    if text := _said_of(expected):
        say(text)


def _said_of(expected: Forecast) -> str:
    """Return how long a plan takes as a sentence, empty where it runs nothing."""
    unknown = f"no history of {', '.join(expected.unknown)}" if expected.unknown else ""
    if all(seconds is None for seconds in expected.steps):
        return f"how long it takes can't be said: {unknown}" if unknown else ""
    bound = "" if expected.seconds < 1 else "over " if unknown else "about "
    slots = f"with {expected.slots} {'slot' if expected.slots == 1 else 'slots'}" if expected.slots else "with one slot (no worker runs)"
    text = f"runs for {bound}{span_text(expected.seconds)} {slots}; the longest chain in it takes {span_text(expected.chain_s)}"
    return f"{text}; {unknown}, which counts as nothing" if unknown else text


def await_answer(desk: Desk | RemoteDesk, number: int, clock: Clock, wait_s: float) -> Command:
    """Return a command once it was answered, or as it stands after `wait_s`, or at once where nobody leads."""
    until_s = clock.monotonic() + wait_s
    answered = desk.answer(number)
    while answered.state is CommandState.OPEN and clock.monotonic() < until_s:
        if not desk.health().leader:
            break
        clock.sleep(_LOOK_S)
        answered = desk.answer(number)
    return answered


def say_answer(command: Command, *, leads: bool, as_json: bool, look: str = "") -> int:
    """Print what became of a command; returns the exit code. `look` is where to see it later."""
    if as_json:
        show_json({**vars_of(command), "leads": leads})
    elif command.state is CommandState.DONE:
        say(f"done: {command.answer}")
    elif command.state is CommandState.REFUSED:
        say(f"refused: {command.answer}", err=True)
    elif not leads:
        say("no scheduler leads: it will be carried out when one does (`launch.py up`)")
    else:
        look = look or f"launch.py job show {command.process} {command.timeperiod}"
        say(f"not answered yet: `{look}` shows what comes of it")
    return 1 if command.state is CommandState.REFUSED else 0


def vars_of(command: Command) -> dict[str, object]:
    """Return a command's fields by name."""
    return {name: getattr(command, name) for name in command.__dataclass_fields__}
