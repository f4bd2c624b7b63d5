"""Which jobs are there? `launch.py job list`"""

from __future__ import annotations

import click
from rich.markup import escape

from launcher import named
from launcher.parts import Roof
from launcher.say import say
from launcher.screen import console, json_option, moment, printable, show, show_json, table_of
from launcher.steering import deployment, registered
from scheduler.joblist import LATE, PHASES, JobList
from system.lifecycle import JobState

_STATES = tuple(state.label.removeprefix("state_") for state in JobState)
_STATE_HELP = f"In this state only: {', '.join(_STATES)}; or at this: {', '.join((*PHASES, LATE))}."
_STYLES = {"held": "red", "failing": "yellow", "running": "cyan"}


@click.command("list")
@click.option("--process", metavar="PROCESS", help="Of this process only.")
@click.option("--state", type=click.Choice([*PHASES, LATE, *_STATES]), metavar="STATE", help=_STATE_HELP)
@click.option("--limit", default=40, show_default=True, type=click.IntRange(min=1), metavar="N", help="At most so many.")
@json_option
@click.pass_obj
def list_jobs_command(roof: Roof, *, process: str | None, state: str | None, limit: int, as_json: bool) -> None:
    """List jobs: held, failing, running, then the finished ones, newest first."""
    context = registered(roof)
    names = [named.managed(context, process).name] if process else list(context.managed)
    with deployment(roof) as there:
        found = there.desk.jobs(names, state or "", limit)
    if as_json:
        show_json(found)
    elif not found.lines:
        what = state or "under way or finished"
        say(f"no job {f'of {process} ' if process else ''}is {what}; `launch.py timetable` counts all periods")
    else:
        _show(found)


def _show(found: JobList) -> None:
    table = table_of("process", "period", "state", "since", "reason", whole=["period", "state", "since"])
    if console().is_terminal:  # a line a job, so that many can be looked over; `job show` tells all of a reason
        table.columns[-1].no_wrap, table.columns[-1].overflow = True, "ellipsis"
    for line in found.lines:
        state = line.state.removeprefix("state_")
        style = _STYLES.get(line.phase, "")
        what = f"[{style}]{line.phase}[/{style}]" if style else line.phase or state
        what += " [red]late[/red]" if line.late_since else ""
        reason = printable(line.reason).partition("\n")[0]
        table.add_row(escape(line.process), line.timeperiod, what, moment(line.since), escape(reason))
    show(table)
    if found.total > len(found.lines):
        say(f"{len(found.lines):,} of {found.total:,}; --limit shows more, --process and --state less")
