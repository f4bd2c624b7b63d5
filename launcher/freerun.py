"""Which freerun entries are there, when do they fire, and what can be done to them? `launch.py freerun ...`"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping
from typing import Any

import click
from rich.markup import escape

from launcher import named
from launcher.act import await_answer, say_answer
from launcher.group import CommandGroup
from launcher.job import blocker_tree
from launcher.parts import Roof
from launcher.remote.desk import RemoteFreerun
from launcher.say import say
from launcher.screen import json_option, limit_option, moment, number, show, show_facts, show_json, table_of
from launcher.steering import deployment, registered
from launcher.who import who
from scheduler.freerun import GIVEN_FIELDS
from scheduler.freerun_commands import faults_of
from scheduler.freerun_desk import EntryLine, EntryView, FreerunDesk
from system.context import MISFIRE

_COUNTS = ("running", "waiting", "held", "failing", "fired", "missed")
_ROWS = 200
_STYLES = {"off": "yellow", "deleted": "dim", "retired": "dim"}


@click.group("freerun", cls=CommandGroup)
def freerun_group() -> None:
    """Look at freerun entries (a process and a schedule of its own), or act on one."""


def _process(roof: Roof, name: str) -> str:
    """Return `name`, which is a freerun process; else BadName with near ones."""
    context = registered(roof)
    names = list(dict.fromkeys(process for process, _ in context.freerun))
    if name in names:
        return name
    if name in context.managed:
        raise named.BadName(f"{name!r} has timeperiods and no entries: it is no freerun process")
    near = difflib.get_close_matches(name, names, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(names[:12]) or 'none'}"
    raise named.BadName(f"there is no freerun process {name!r}; {hint}")


def _known(desk: FreerunDesk | RemoteFreerun, process: str, entry: str) -> None:
    """Refuse an entry that is neither in the context nor was ever made, with near ones."""
    names = [line.entry for line in desk.lines(process)]
    if entry not in names:
        near = difflib.get_close_matches(entry, names, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "`launch.py freerun list` shows them"
        raise named.BadName(f"{process} has no entry {entry!r}; {hint}")


def _place(command: Callable[..., Any]) -> Callable[..., Any]:
    for argument in (click.argument("entry", metavar="ENTRY"), click.argument("process", metavar="PROCESS")):
        command = argument(command)
    return click.pass_obj(command)


# -- looking


@freerun_group.command("list")
@click.option("--process", metavar="PROCESS", help="Of this process only.")
@limit_option(_ROWS)
@json_option
@click.pass_obj
def list_command(roof: Roof, *, process: str | None, limit: int | None, as_json: bool) -> None:
    """List the entries, with when each fires next and what is under way of it."""
    of = _process(roof, process) if process else ""
    with deployment(roof) as found:
        lines = found.freerun.lines(of)
    if as_json:
        show_json(lines[:limit])
    elif not lines:
        say("the process context has no freerun entry, and no command has made one; docs/howto.md says how")
    else:
        _show_lines(lines[: limit or _ROWS])
        if len(lines) > (limit or _ROWS):
            say(f"{limit or _ROWS:,} of {len(lines):,}; --limit shows more, --process less")


def _show_lines(lines: list[EntryLine]) -> None:
    kept = [name for name in _COUNTS if any(getattr(line, name) for line in lines)]  # what is empty throughout leaves room for the rest
    lasts = ["last"] if any(line.last_end for line in lines) else []
    columns = ("process", "entry", "schedule", "state", "next", *kept, *lasts)
    table = table_of(*columns, right=kept, whole=["state", "next", "last"])
    for line in lines:
        style = _STYLES.get(line.state, "")
        state = f"[{style}]{line.state}[/{style}]" if style else line.state
        counts = [number(getattr(line, name)) for name in kept]
        last = [line.last_end.removeprefix("state_")] if lasts else []
        cells = (escape(line.process), escape(line.entry), escape(line.schedule), state, moment(line.next_fire))
        table.add_row(*cells, *counts, *last)
    show(table)


@freerun_group.command("show")
@_place
@json_option
def show_command(roof: Roof, process: str, entry: str, *, as_json: bool) -> None:
    """Show an entry: its schedule, its policies, what is under way, and what it waits for."""
    _process(roof, process)
    with deployment(roof) as found:
        desk = found.freerun
        _known(desk, process, entry)
        view = desk.view(process, entry)
    if as_json:
        show_json(view)
        return
    show_facts(_facts(view))
    for blocker in view.why:
        show(blocker_tree(blocker))


def _facts(view: EntryView) -> list[tuple[str, str]]:
    facts = [("entry", f"{view.process}/{view.entry}"), ("state", view.state)]
    shown = ("trigger_frequency", "overlap", "misfire", "grace_s", "arguments", "classname", "argv", "queue")
    for field in shown:
        value = view.fields.get(field)
        if value:
            mark = " (given by command)" if field in view.given else ""
            facts.append((field, f"{value if isinstance(value, str) else json.dumps(value)}{mark}"))
    if record := view.record:
        facts += [("changed", f"{record.said}, {moment(record.said_at)}")] if record.said else []
        facts.append(("fired", f"{record.fired:,}: {record.succeeded:,} good, {record.failed:,} failed, {record.canceled:,} canceled"))
        facts += [("overlapped", f"{record.overlapped:,} let go")] if record.overlapped else []
        span = f"{moment(record.missed_from)} to {moment(record.missed_until)}"
        facts += [("missed", f"{record.missed:,} let go, the latest from {span}")] if record.missed else []
        last = f"{record.uow_id(record.last_fire)} {record.last_end.removeprefix('state_')} at {moment(record.ended_at)}"
        facts += [("last", f"{last}{f': {record.last_reason}' if record.last_reason else ''}")] if record.last_fire else []
    return [*facts, ("next", ", ".join(map(moment, view.next_fires)) or "-")]


@freerun_group.command("next")
@click.option("--count", default=5, show_default=True, type=click.IntRange(1, 1000), metavar="N", help="How many.")
@_place
@json_option
def next_command(roof: Roof, process: str, entry: str, *, count: int, as_json: bool) -> None:
    """Show when an entry fires next, by the function that fires; of one that is off, when it would."""
    _process(roof, process)
    with deployment(roof) as found:
        desk = found.freerun
        _known(desk, process, entry)
        coming = desk.next_fires(process, entry, count)
    if as_json:
        show_json({"process": process, "entry": entry, "next": coming})
    else:
        click.echo("\n".join(map(_exactly, coming)) or f"{process}/{entry} is deleted or retired: it fires no more")


def _exactly(at: Any) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}{f'.{at.microsecond:06}'.rstrip('0') if at.microsecond else ''}Z"


# -- acting


def _given(command: Callable[..., Any]) -> Callable[..., Any]:
    options = (
        click.option("--schedule", metavar="TEXT", help="When it fires: 'every 60', 'at 04:30', 'cron 0 4 * * * in ZONE'."),
        click.option("--arg", "arguments", multiple=True, metavar="NAME=VALUE", help="An argument, over the process's; JSON, else text."),
        click.option("--overlap", metavar="TEXT", help="When its last run has not ended: skip, 'queue N', 'allow N', replace."),
        click.option("--misfire", type=click.Choice(MISFIRE), help="Of fires that no scheduler was there for."),
        click.option("--grace", "grace_s", type=float, metavar="SECONDS", help="How old a missed fire may be for --misfire all."),
        click.option("--max-attempts", type=int, metavar="N", help="Attempts that may fail before a fire is given up; 0: no limit."),
        click.option("--description", metavar="TEXT", help="For the reader."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def _fields(given: Mapping[str, Any]) -> dict[str, object]:
    """Return the fields of an entry that were given on the command line."""
    names = {"schedule": "trigger_frequency"}
    found = {names.get(name, name): value for name, value in given.items() if value is not None and name != "arguments"}
    if given.get("arguments"):
        found["arguments"] = dict(map(_argument, given["arguments"]))
    return found


def _argument(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise named.BadName(f"--arg {text!r} is no NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _asked(command: Callable[..., Any]) -> Callable[..., Any]:
    options = (
        click.option("--why", "reason", required=True, metavar="TEXT", help="The reason; it is kept with the command."),
        click.option("--wait", "wait_s", default=5.0, show_default=True, metavar="SECONDS", help="How long to wait for the answer."),
        json_option,
    )
    for option in reversed(options):
        command = option(command)
    return _place(command)


def _give(roof: Roof, verb: str, place: tuple[str, str], details: Mapping[str, object], asked: Mapping[str, Any]) -> int:
    """Store a command, wait for its answer and say it; returns the exit code."""
    process, entry = place
    if not asked["reason"].strip():
        raise named.BadName("--why is empty: say why, for whoever reads it later")
    _process(roof, process)
    with deployment(roof) as found:
        desk, freerun = found.desk, found.freerun
        if verb != "create" and not freerun.is_coming(process, entry):
            _known(freerun, process, entry)
        given = freerun.give(verb, process, entry, who(), asked["reason"], details)
        if not asked["as_json"]:
            say(f"stored as command {given}")
        answered = await_answer(desk, given, roof.clock, asked["wait_s"])
        leads = bool(desk.health().leader)
    return say_answer(answered, leads=leads, as_json=asked["as_json"], look=f"launch.py freerun show {process} {entry}")


def _check(roof: Roof, process: str, entry: str, fields: Mapping[str, object]) -> None:
    if not roof.settings.url and (faults := faults_of(roof.context, process, entry, fields)):
        raise named.BadName("; ".join(faults))


@freerun_group.command("create")
@_given
@_asked
def create_command(roof: Roof, process: str, entry: str, *, reason: str, wait_s: float, as_json: bool, **given: Any) -> int:
    """Make an entry that runs what the first entry of PROCESS in the context runs."""
    fields = _fields(given)
    _process(roof, process)
    if not roof.settings.url and (process, entry) not in roof.context.freerun and "trigger_frequency" not in fields:
        raise named.BadName(f"{process}/{entry} needs --schedule: it is not in the context")
    _check(roof, process, entry, fields)
    return _give(roof, "create", (process, entry), fields, {"reason": reason, "wait_s": wait_s, "as_json": as_json})


@freerun_group.command("change")
@click.option("--take-back", multiple=True, metavar="FIELD", help="Let the context's value hold again, such as trigger_frequency.")
@_given
@_asked
def change_command(
    roof: Roof, process: str, entry: str, *, take_back: tuple[str, ...], reason: str, wait_s: float, as_json: bool, **given: Any
) -> int:
    """Change an entry's schedule, arguments or policies; at once, and kept over changes of the context."""
    fields = _fields(given)
    _process(roof, process)
    if not fields and not take_back:
        raise named.BadName("say what to change: --schedule, --arg, --overlap, --misfire, --grace, --max-attempts or --take-back")
    if unknown := [name for name in take_back if name not in GIVEN_FIELDS]:
        raise named.BadName(f"--take-back {unknown[0]!r} is no field that a command gives: write one of {', '.join(GIVEN_FIELDS)}")
    _check(roof, process, entry, fields)
    details = fields | ({"take_back": list(take_back)} if take_back else {})
    return _give(roof, "change", (process, entry), details, {"reason": reason, "wait_s": wait_s, "as_json": as_json})


def _command(verb: str, summary: str) -> None:
    @freerun_group.command(verb, help=summary)
    @_asked
    def act(roof: Roof, process: str, entry: str, **asked: Any) -> int:
        return _give(roof, verb, (process, entry), {}, asked)


_command("delete", "Take an entry out, also one of the context; `create` brings it back. What runs goes on.")
_command("on", "Let an entry fire again, from now on.")
_command("off", "Let an entry not fire by its schedule. What runs goes on.")
_command("trigger", "Let an entry fire now, also one that is off, as its overlap allows.")
_command("cancel", "End what runs of an entry, and drop what waits.")
_command("release", "Let what is held of an entry be tried again.")
