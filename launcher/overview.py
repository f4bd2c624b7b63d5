"""How does the whole stand? `launch.py timetable`"""

from __future__ import annotations

import click
from rich.markup import escape
from rich.table import Table

from launcher.parts import Roof
from launcher.say import say
from launcher.screen import json_option, number, show, show_json, table_of
from launcher.steering import deployment
from scheduler.levels import Level
from system.lifecycle import JobState


@click.command("timetable")
@json_option
@click.pass_obj
def timetable_command(roof: Roof, *, as_json: bool) -> None:
    """Show counts per tree and level, over the periods that are due; of retired processes over what they left."""
    with deployment(roof) as found:
        levels, retired = found.desk.timetable(), found.desk.retired()
    if as_json:
        show_json([*levels, *retired])
    elif not levels and not retired:
        say(f"the process context {roof.settings.context} registers no tree")
    else:
        show(level_table([*levels, *retired]))
        for level in (level for level in retired if level.active):
            say(f"{level.process} has left the context with {level.active:,} jobs that are not finished: put it back to finish them")


def level_table(levels: list[Level]) -> Table:
    """Return the levels, tree by tree. Columns that are empty throughout are left out, so that the rest fits."""
    shown = [(name, [_count(level, name) for level in levels]) for name in _COLUMNS]
    kept = [(name, counts) for name, counts in shown if any(counts) or name in ("due", "done")]
    made = table_of("tree", "process", *(name for name, _ in kept), "last due", right=[name for name, _ in kept])
    tree = ""
    for at, level in enumerate(levels):
        if level.tree != tree and tree:
            made.add_section()
        cells = [_styled(name, counts[at]) for name, counts in kept]
        made.add_row(escape(level.tree) if level.tree != tree else "", _named(level), *cells, level.last or "-")
        tree = level.tree
    return made


def _named(level: Level) -> str:
    return f"[dim]{escape(level.process)} (retired)[/dim]" if level.is_retired else escape(level.process)


_COLUMNS = ("due", "done", "noop", "skipped", "late", "running", "failing", "held")


def _count(level: Level, column: str) -> int:
    if column == "done":
        return level.counts.get(JobState.PROCESSED.label, 0)
    if column in ("noop", "skipped"):
        return level.counts.get(f"state_{column}", 0)
    field = {"running": "active"}.get(column, column)
    return int(getattr(level, field))


def _styled(column: str, count: int) -> str:
    style = {"failing": "yellow", "held": "red", "late": "red", "running": "cyan"}.get(column)
    return f"[{style}]{number(count)}[/{style}]" if style and count else number(count)
