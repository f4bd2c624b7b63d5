"""What would the edited context do to the timetable, and may it? `launch.py context plan|apply`"""

from __future__ import annotations

import logging

import click

from launcher.asking import sure
from launcher.parts import Joined, Roof, scheduler_settings
from launcher.say import say
from launcher.screen import json_option, show_json
from launcher.who import who
from mq.broker import Message
from scheduler.context_plan import ContextPlan, ProcessPlan, Span, apply_context, plan_context
from system.context import REPORT_QUEUE
from system.errors import BrokerError, Unavailable

log = logging.getLogger(__name__)


@click.command("plan")
@json_option
@click.pass_obj
def context_plan_command(roof: Roof, *, as_json: bool) -> int:
    """Show what the context as it is now would do to the timetable. Changes nothing."""
    context = roof.context
    with roof.joined() as parts:
        plan = plan_context(parts.store, context, scheduler_settings(roof.settings), roof.clock.now(), box=roof.settings.box)
    if as_json:
        show_json(_document(plan))
    else:
        say_plan(plan)
        if plan.refusal:
            say(f"refused: {plan.refusal}", err=True)
        elif plan.needs_yes:
            say("say yes by: launch.py context apply" + (" (or apply --reopen)" if plan.reopen else ""))
    return 1 if plan.refusal else 0


@click.command("apply")
@click.option("--reopen", is_flag=True, help="Run finished periods that get unfinished inputs again, with all that uses them.")
@click.option("--yes", "is_sure", is_flag=True, help="Don't ask.")
@json_option
@click.pass_obj
def context_apply_command(roof: Roof, *, reopen: bool, is_sure: bool, as_json: bool) -> int:
    """Say yes to what the context changes of the timetable; schedulers lead by it from then on."""
    context, settings, box = roof.context, scheduler_settings(roof.settings), roof.settings.box
    with roof.joined() as parts:
        plan = plan_context(parts.store, context, settings, roof.clock.now(), box=box)
        is_empty = not plan.needs_yes and not (reopen and plan.reopen)
        if not as_json:
            say_plan(plan)
        if plan.refusal or is_empty:
            return _nothing(plan, as_json=as_json)
        if not sure(f"Apply it{' and run finished periods again' if reopen and plan.reopen else ''}?", is_sure=is_sure):
            return 1
        turn = apply_context(parts.store, context, settings, roof.clock.now(), plan, who=who(), reopen=reopen, box=box)
        _tell(parts, turn)
        leads = any(session.kind == "scheduler" for session in parts.store.sessions())
    if as_json:
        show_json({**_document(plan), "turn": turn, "is_reopened": reopen and bool(plan.reopen)})
    else:
        after = "running schedulers take it up within seconds" if leads else "no scheduler runs: it is led by when one does (launch.py up)"
        say(f"applied as turn {turn}; {after}")
    return 0


def say_plan(plan: ContextPlan) -> None:
    """Print a plan, process by process."""
    if plan.older:
        say(plan.older.partition("\nPut")[0])
    if not plan.processes:
        say("the context changes nothing of the timetable")
    for process in plan.processes:
        say(f"{process.process}: {_HEADS[process.kind]}")
        for line in _lines(process):
            say(f"  {line}")
    if plan.reopen:
        say(f"finished periods stay finished; with --reopen {_jobs(plan.reopens)} would run again, in order")


_HEADS = {
    "new": "new, taken up by itself",
    "changed": "changed, needs a yes",
    "back": "back again, taken up by itself",
    "retired": "has left the context: its history is kept and shown as retired, nothing of it is run any more",
    "unchanged": "unchanged itself",
}


def _lines(plan: ProcessPlan) -> list[str]:
    lines = list(plan.changes)
    if plan.appears.count:
        lines.append(f"{_periods(plan.appears)} come into being and will run")
    if plan.kind == "retired":
        lines.append(f"{plan.vanishes.finished:,} periods are finished")
    elif plan.vanishes.count:
        lines.append(f"{_periods(plan.vanishes)} go out of view, {plan.vanishes.finished:,} of them finished")
    if plan.incomplete.count:
        lines.append(f"{_periods(plan.incomplete)} are finished and get unfinished inputs, or stand for another group")
    if plan.reopens:
        lines.append(f"with --reopen: {_jobs(plan.reopens)} would run again")
    return lines


def _periods(span: Span) -> str:
    return f"1 period ({span.first})" if span.count == 1 else f"{span.count:,} periods ({span.first} to {span.last})"


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count:,} jobs"


def _nothing(plan: ContextPlan, *, as_json: bool) -> int:
    if as_json:
        show_json({**_document(plan), "turn": 0, "is_reopened": False})
    elif plan.refusal:
        say(f"refused: {plan.refusal}", err=True)
    else:
        say("nothing needs a yes")
    return 1 if plan.refusal else 0


def _document(plan: ContextPlan) -> dict[str, object]:
    return {"needs_yes": plan.needs_yes, "older": plan.older, "refusal": plan.refusal, "reopens": plan.reopens, "processes": plan.processes}


def _tell(parts: Joined, turn: int) -> None:
    try:
        parts.broker.declare([REPORT_QUEUE])  # no scheduler may have run yet
        parts.broker.publish([Message(REPORT_QUEUE, f"turn:{turn}")])
    except (BrokerError, Unavailable) as error:
        log.warning("turn %d is stored; the scheduler will find it by its sweep: %s", turn, error)
