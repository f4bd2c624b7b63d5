"""What can be asked of one job, and done to it? `launch.py job ...`"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from rich.markup import escape
from rich.tree import Tree

from launcher import named
from launcher.group import CommandGroup
from launcher.job_events import events_command
from launcher.job_list import list_jobs_command
from launcher.parts import Roof
from launcher.say import say
from launcher.screen import json_option, moment, printable, show, show_facts, show_json
from launcher.steering import deployment, registered
from scheduler.blockers import ABOVE, Blocker
from scheduler.desk import JobView
from scheduler.durations import span_text


@click.group("job", cls=CommandGroup)
def job_group() -> None:
    """Look at one job (a process and a timeperiod), or act on it."""


job_group.add_command(list_jobs_command)
job_group.add_command(events_command)


def _place(command: Callable[..., Any]) -> Callable[..., Any]:
    for argument in (click.argument("timeperiod", metavar="PERIOD"), click.argument("process", metavar="PROCESS")):
        command = argument(command)
    return click.pass_obj(command)


def _named(roof: Roof, process: str, timeperiod: str) -> tuple[str, str]:
    entry = named.managed(registered(roof), process)
    return entry.name, named.period(entry, timeperiod)


@job_group.command("why")
@_place
@json_option
def why_command(roof: Roof, process: str, timeperiod: str, *, as_json: bool) -> None:
    """Say why a job is not running now, down to the leaf cause."""
    place = _named(roof, process, timeperiod)
    with deployment(roof) as found:
        blocker = found.desk.why(*place)
    if as_json:
        show_json(blocker)
    else:
        show(blocker_tree(blocker))


@job_group.command("show")
@_place
@json_option
def show_command(roof: Roof, process: str, timeperiod: str, *, as_json: bool) -> None:
    """Show a job: state, unit of work, what it waits for."""
    place = _named(roof, process, timeperiod)
    with deployment(roof) as found:
        view = found.desk.job(*place)
    if as_json:
        show_json(view)
        return
    show_facts(_facts(view))
    show(blocker_tree(view.why))


@job_group.command("log")
@_place
@json_option
def log_command(roof: Roof, process: str, timeperiod: str, *, as_json: bool) -> None:
    """Print what a job printed, all attempts of its last run."""
    place = _named(roof, process, timeperiod)
    with deployment(roof) as found:
        text = found.desk.output(*place)
    if as_json:
        show_json({"process": place[0], "timeperiod": place[1], "output": text})
    elif text:
        click.echo(printable(text), nl=not text.endswith("\n"))
    else:
        say(f"{place[0]} {place[1]} has printed nothing", err=True)


def blocker_tree(blocker: Blocker) -> Tree:
    """Return a blocker with its causes as a tree, the leaf causes last and bold."""
    tree = Tree(_sentence(blocker), guide_style="dim")
    _grow(tree, blocker)
    return tree


def _grow(tree: Tree, blocker: Blocker) -> None:
    for cause in blocker.causes:
        _grow(tree.add(_sentence(cause)), cause)


def _sentence(blocker: Blocker) -> str:
    text = escape(printable(blocker.text))
    since = f" [dim]since {moment(blocker.since)}[/dim]" if blocker.since else ""
    look = f"\n[cyan]look: {escape(blocker.look)}[/cyan]" if blocker.look else ""
    notes = "".join(f"\n[dim]note: {escape(printable(note))}[/dim]" for note in blocker.notes)
    return f"{text}{since}{look}{notes}" if blocker.causes or blocker.kind == ABOVE else f"[bold]{text}[/bold]{since}{look}{notes}"


def _facts(view: JobView) -> list[tuple[str, str]]:
    facts = [("job", f"{view.process} {view.timeperiod}"), ("state", view.state)]
    facts += [("record", "archived: the job is finished, and only its state is kept")] if view.archived else []
    if view.time_zone != "UTC":
        facts.append(("period", f"{view.start.isoformat(' ')} to {view.end.isoformat(' ')}, in {view.time_zone}"))
    if job := view.job:
        facts += [("changed", moment(job.changed_at)), ("generation, run", f"{job.generation}, {job.run}")]
        facts += [("failures", str(job.failures))] if job.failures else []
        facts += [("held", job.held)] if job.held else []
        facts += [("reason", job.reason)] if job.reason and job.reason != job.held else []
    if uow := view.uow:
        facts += [("unit of work", uow.id), ("its state", uow.state.value), ("window", f"[{uow.start_timeperiod}, {uow.end_timeperiod})")]
        facts += [("attempt started", moment(uow.started_at)), ("attempt finished", moment(uow.finished_at))]
        facts += [("usually takes", f"{span_text(view.usual.seconds)} (of the last {view.usual.runs})")] if view.usual else []
        facts += [("rows", f"{uow.rows:,}")] if uow.rows is not None else []
        facts += [("losses", str(uow.losses))] if uow.losses else []
        facts += [("its reason", uow.reason)] if uow.reason else []
    return [(name, printable(text)) for name, text in facts]
