"""What needs a person, and how does the whole stand, on one screen? `launch.py status`"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import click
from rich.markup import escape
from rich.table import Table

from launcher import boxes
from launcher.boxes import BoxRow
from launcher.parts import Roof, scheduler_settings
from launcher.queue import queues_of
from launcher.say import counted
from launcher.screen import json_option, moment, number, printable, show, show_json, table_of
from launcher.seen import Seen
from launcher.steering import registered
from scheduler.attention import Need
from scheduler.health import Follower, Health, read_health
from scheduler.lateness import Late
from scheduler.levels import Progress
from scheduler.overview import Overview, overview
from scheduler.switches import Standing
from system.errors import ConfigError

_ROWS = 10
_MOST_OPEN = 1_000
_PATIENCE_S = 1.5  # for the broker; all else is told by the store


@click.command("status")
@json_option
@click.pass_obj
def status_command(roof: Roof, *, as_json: bool) -> int:
    """Show what needs a person first, then who leads, how far all is, what runs, what waits, and who is there."""
    now = roof.clock.now()
    if not roof.settings.url:
        try:
            roof.context  # noqa: B018  read for its faults
        except ConfigError as error:
            return _without_context(roof, error, as_json=as_json)
    found = _look(roof, now)
    if as_json:
        told = [boxes.summary_of(row) for row in found.boxes]
        needing = [level for level in found.levels if level.held or level.failing]
        show_json({"health": found.health, "progress": found.progress, "needing": needing, "late": found.late,
                   "open_commands": found.open_commands, "overview": found.overview, "boxes": told})  # fmt: skip
        return 0
    _show(found, now)
    return 0


def _look(roof: Roof, now: datetime) -> Seen:
    """Return how all stands: over this box's store, or where the setting `url` leads."""
    if roof.settings.url:
        from launcher.remote.client import Client
        from launcher.remote.desk import RemoteDesk
        from launcher.remote.status import look

        client = Client(roof.settings.url, roof.settings.token)
        return look(client, RemoteDesk(client, registered(roof)))
    with roof.joined(patience_s=_PATIENCE_S) as parts:
        desk = roof.desk_over(parts)
        return Seen(
            desk.health(), desk.progress(), desk.timetable(), desk.late(), desk.standings(), len(parts.store.open_commands(_MOST_OPEN)),
            overview(desk, parts.store, parts.broker, list(queues_of(roof.context)), scheduler_settings(roof.settings), now),
            boxes.read(parts.store),
        )  # fmt: skip


def _show(found: Seen, now: datetime) -> None:
    seen, health = found.overview, found.health
    _show_needs(seen, found.late, now, found.boxes)
    for trouble in boxes.troubles_of(found.boxes):
        show(f"[yellow]! {escape(trouble)}[/yellow]")
    lines = boxes.box_lines(found.boxes)
    show(_headline(health, found.progress, _next(found.standings), found.open_commands, lines, _audit_line(seen, now)))
    _show_marks(seen)
    _show_work(seen, now)
    if health.sessions:
        show(_session_table(health))
    if seen.retired:
        listed = ", ".join(f"{row.process}{f' since {moment(row.since)}' if row.since else ''}" for row in seen.retired)
        show(f"[dim]retired: {escape(listed)}[/dim]")


def _without_context(roof: Roof, error: ConfigError, *, as_json: bool) -> int:
    """Show what is known without a context: what is wrong with it, and whether a scheduler goes on by the one before."""
    with roof.joined(patience_s=_PATIENCE_S) as parts:
        health, rows = read_health(parts.store, roof.clock.now()), boxes.read(parts.store)
    if as_json:
        show_json({"fault": str(error), "health": health, "boxes": [boxes.summary_of(row) for row in rows]})
        return 1
    show(f"[red]! the context can't be read: {escape(printable(str(error)))}[/red]")
    show("    [cyan]launch.py context check[/cyan]")
    show(_headline(health, None, "", 0, boxes.box_lines(rows), ""))
    if health.sessions:
        show(_session_table(health))
    return 1


def _show_needs(seen: Overview, late: Sequence[Late], now: datetime, rows: Sequence[BoxRow]) -> None:
    for need in seen.needs.first:
        style = "yellow" if need.kind == "failing" else "red"
        what = f"{_word(need)}{f' for {_age(need.since, now)}' if need.since else ''}".lstrip()
        place = f"{need.process} {need.timeperiod} " if need.process else ""
        show(f"[{style}]! {escape(place)}{what}{': ' if what else ''}{escape(printable(need.text))}[/{style}]")
        show(f"    [cyan]{escape(boxes.look_of(need, rows))}[/cyan]")
    more = seen.needs.total - len(seen.needs.first)
    if more > 0:
        show(f"[red]! and {more:,} more: launch.py job list --state held (or failing)[/red]")
    for found in late:
        _show_late(found)
    if not seen.needs.total and not late and not any(row.needs_person for row in rows):
        show("[green]nothing needs a person[/green]")


def _show_late(late: Late) -> None:
    """Print about a process that is late since when it is, why, and what to press."""
    leaf = late.why.leaves()[0] if late.why else None
    text = f"{late.process}: {late.count:,} late, {late.first} since {moment(late.since)}{f': {leaf.text}' if leaf else ''}"
    show(f"[red]! {escape(printable(text))}[/red]")
    show(f"    [cyan]{escape(leaf.look if leaf and leaf.look else f'launch.py job why {late.process} {late.first}')}[/cyan]")


def _word(need: Need) -> str:
    return {"leader": "", "broker": "", "worker": "", "context": "context refused"}.get(need.kind, need.kind)


def _show_marks(seen: Overview) -> None:
    """Print up to where each process is complete, those with holes first."""
    marks = sorted(seen.watermarks, key=lambda mark: not mark.holes)
    table = table_of("process", "complete through", "holes", "first hole", right=["holes"])
    for mark in marks[:_ROWS]:
        table.add_row(escape(mark.process), mark.through or "-", number(mark.holes), mark.first_hole or "-")
    show(table)
    if len(marks) > _ROWS:
        show(f"[dim]... and {len(marks) - _ROWS} more processes: launch.py timetable[/dim]")


def _show_work(seen: Overview, now: datetime) -> None:
    if seen.running:
        table = table_of("running", "box", "for", right=["for"])
        for run in seen.running[:_ROWS]:
            table.add_row(escape(run.uow), escape(run.box), _age(run.since, now))
        show(table)
        if len(seen.running) > _ROWS:
            show(f"[dim]... and {len(seen.running) - _ROWS} more[/dim]")
    if seen.broker_fault and not seen.queues:
        show("queues: not known")
    if seen.queues:
        shown = ", ".join(f"{queue.queue} {queue.depth:,}" for queue in seen.queues[:_ROWS])
        more = f" and {len(seen.queues) - _ROWS} more (launch.py queue list)" if len(seen.queues) > _ROWS else ""
        show(f"queues (at most {seen.window:,} in each): {escape(shown)}{more}")


def _age(since: datetime | None, now: datetime) -> str:
    """Return how long ago something was, in its largest unit or two."""
    if since is None:
        return "-"
    seconds = max(0, int((now - since).total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds} s"


def _next(standings: Sequence[Standing]) -> str:
    """Return which process is due next at a time of its own, empty where none is."""
    fires = [(standing.next, standing.process) for standing in standings if standing.is_on and standing.next]
    return f"{min(fires)[1]} at {moment(min(fires)[0])}" if fires else ""


def _audit_line(seen: Overview, now: datetime) -> str:
    """Return what the leader's last count came to, empty where nobody leads."""
    if seen.audit is None:
        return ""
    count = sum(seen.audit.counts.values())
    said = f"[red]{count:,} findings[/red]" if count else "nothing found"
    return f"{said} among {seen.audit.finished:,} periods that finished in the last 24 hours, counted {_age(seen.audit.at, now)} ago"


def _headline(health: Health, progress: Progress | None, fire: str, waiting: int, lines: list[str], audit: str) -> Table:
    facts = table_of("", "")
    facts.show_header = False
    if not health.leader:
        facts.add_row("leader", "[red]none: nothing is scheduled[/red] (launch.py up)")
    else:
        age = "not known yet" if health.last_turn_age_s is None else f"{health.last_turn_age_s:.1f} s ago"
        since = f" since {moment(health.leads_since)}" if health.leads_since else ""
        facts.add_row("leader", f"{escape(health.leader)}{since}")
        facts.add_row("last good turn", f"{age} (turns that decided something: {health.last_turn:,})")
    for follower in health.followers:
        facts.add_row("stands by", f"{escape(follower.session)}, {_standing_of(follower)}")
    if progress is not None:
        facts.add_row("timetable", f"{progress.finished:,} of {progress.due:,} periods finished, {progress.active:,} under way")
    if waiting:
        facts.add_row("commands", f"{counted(waiting, 'command')} stored and not carried out yet")
    if fire:
        facts.add_row("next", escape(fire))
    if audit:
        facts.add_row("audit", audit)
    for line in lines:
        facts.add_row("box", escape(line))
    return facts


def _standing_of(follower: Follower) -> str:
    """Return how far a follower is behind, or that it would not lead; why is among what needs a person."""
    if follower.refusal:
        return "[red]but would not lead: its context is refused[/red]"
    return f"[yellow]{counted(follower.turns_behind, 'turn')} behind[/yellow]" if follower.turns_behind else "up to the last turn"


def _session_table(health: Health) -> Table:
    made = table_of("kind", "box", "pid", "slots", "since", "beats", right=["pid", "slots", "beats"])
    for session in sorted(health.sessions, key=lambda s: (s.kind, s.box, s.pid)):
        made.add_row(
            session.kind, escape(session.box), str(session.pid), number(session.slots), moment(session.opened_at), f"{session.beat:,}"
        )
    return made
