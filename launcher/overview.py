"""How does the whole stand? `launch.py timetable` and `launch.py status`"""

from __future__ import annotations

import click
from rich.markup import escape
from rich.table import Table

from launcher import boxes
from launcher.listing import next_fire
from launcher.parts import Roof
from launcher.screen import json_option, moment, number, show, show_json, table_of
from scheduler.desk import Health, Level, Progress
from system.lifecycle import JobState


@click.command("timetable")
@json_option
@click.pass_obj
def timetable_command(roof: Roof, *, as_json: bool) -> None:
    """Show counts per tree and level, over the periods that are due."""
    with roof.desk() as desk:
        levels = desk.timetable()
    if as_json:
        show_json(levels)
    elif not levels:
        click.echo(f"the process context {roof.settings.context} registers no tree")
    else:
        show(level_table(levels))


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
        made.add_row(escape(level.tree) if level.tree != tree else "", escape(level.process), *cells, level.last or "-")
        tree = level.tree
    return made


_COLUMNS = ("due", "done", "noop", "skipped", "running", "failing", "held")


def _count(level: Level, column: str) -> int:
    if column == "done":
        return level.counts.get(JobState.PROCESSED.label, 0)
    if column in ("noop", "skipped"):
        return level.counts.get(f"state_{column}", 0)
    field = {"running": "active"}.get(column, column)
    return int(getattr(level, field))


def _styled(column: str, count: int) -> str:
    style = {"failing": "yellow", "held": "red", "running": "cyan"}.get(column)
    return f"[{style}]{number(count)}[/{style}]" if style and count else number(count)


@click.command("status")
@json_option
@click.pass_obj
def status_command(roof: Roof, *, as_json: bool) -> None:
    """Show who leads, who is there, and what needs a person."""
    roof.context  # noqa: B018  read for its faults, before anything is opened
    with roof.joined() as parts:
        desk, rows = roof.desk_over(parts), boxes.read(parts.store)
        health, progress = desk.health(), desk.progress()
        needing = [level for level in desk.timetable() if level.held or level.failing]
    if as_json:
        show_json({"health": health, "progress": progress, "needing": needing, "boxes": [boxes.summary_of(row) for row in rows]})
        return
    show(_headline(health, progress, _next(roof), boxes.box_lines(rows)))
    if health.sessions:
        show(_session_table(health))
    for trouble in [text for row in rows for text in row.troubles]:
        show(f"[yellow]{escape(trouble)}[/yellow]")
    for level in needing:
        text = f"{escape(level.process)}: {level.held} held, {level.failing} failing"
        show(f"[red]{text}[/red]" if level.held else f"[yellow]{text}[/yellow]")
    if needing:
        show("[dim]look: launch.py job why PROCESS PERIOD; then launch.py job release PROCESS PERIOD --why TEXT[/dim]")


def _next(roof: Roof) -> str:
    """Return which process is due next at a time of its own, empty where none is."""
    now = roof.clock.now()
    fires = [(at, entry.name) for entry in roof.context.managed.values() if entry.is_on and (at := next_fire(entry, now))]
    return f"{min(fires)[1]} at {moment(min(fires)[0])}" if fires else ""


def _headline(health: Health, progress: Progress, fire: str, lines: list[str]) -> Table:
    facts = table_of("", "")
    facts.show_header = False
    if not health.leader:
        facts.add_row("leader", "[red]none: nothing is scheduled[/red] (launch.py up)")
    else:
        age = "not known yet" if health.last_turn_age_s is None else f"{health.last_turn_age_s:.1f} s ago"
        facts.add_row("leader", escape(health.leader))
        facts.add_row("last good turn", f"{age} (turns that decided something: {health.last_turn:,})")
    facts.add_row("timetable", f"{progress.finished:,} of {progress.due:,} periods finished, {progress.active:,} under way")
    if fire:
        facts.add_row("next", escape(fire))
    for line in lines:
        facts.add_row("box", escape(line))
    return facts


def _session_table(health: Health) -> Table:
    made = table_of("kind", "box", "pid", "slots", "since", "beats", right=["pid", "slots", "beats"])
    for session in sorted(health.sessions, key=lambda s: (s.kind, s.box, s.pid)):
        made.add_row(
            session.kind, escape(session.box), str(session.pid), number(session.slots), moment(session.opened_at), f"{session.beat:,}"
        )
    return made
