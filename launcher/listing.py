"""What is registered, how does it stand, and when is it due next? `launch.py list`"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import click
from rich.markup import escape

from db.model import ProcessRow
from launcher.parts import Roof
from launcher.say import say
from launcher.screen import json_option, limit_option, moment, printable, show, show_json, table_of
from scheduler.freerun_desk import EntryLine, FreerunDesk
from scheduler.registry import read_registered, retired
from scheduler.switches import Standing
from system.context import Context, FreerunProcess, ManagedProcess, ProcessEntry
from system.errors import HorariumError
from system.schedule import Every, parse_schedule
from system.timeperiod import QUALIFIERS

_ROWS, _SENTENCES = 200, 10
_GONE = ("deleted", "retired")


@dataclass(frozen=True, slots=True)
class Row:
    """One process or entry: how it is in force, and how the context has it. `said` is by whom that differs."""

    process: str
    kind: str
    level: str
    tree: str
    runs: str
    on: str
    context_on: str
    schedule: str
    context_schedule: str
    said: str
    next: datetime | None


@click.command("list")
@limit_option(_ROWS)
@json_option
@click.pass_obj
def list_command(roof: Roof, *, limit: int | None, as_json: bool) -> None:
    """List the registered processes as they are in force, and those that have left the context."""
    rows = list(_rows(roof))
    if as_json:
        show_json(rows[:limit])
        return
    if not rows:
        say(f"the process context {roof.settings.context} registers no process")
        return
    _show(rows[: limit or _ROWS])
    if len(rows) > (limit or _ROWS):
        say(f"{limit or _ROWS:,} of {len(rows):,}; --limit shows more")


def _show(rows: list[Row]) -> None:
    has_next = any(row.next for row in rows)  # mostly there is none: `every` names none
    names = ["process", "kind", "level", "tree", "runs", "on", "schedule"]
    table = table_of(*names, *(["next"] if has_next else []))
    for row in rows:
        cells = [row.process, row.kind, row.level, row.tree, row.runs, _beside(row.on, row.context_on)]
        cells.append(_beside(row.schedule, row.context_schedule))
        cells += [moment(row.next)] if has_next else []
        table.add_row(*map(escape, cells))
    show(table)
    told = [f"{row.process} is {row.on}, {row.schedule}: {row.said}" for row in rows if row.said]
    for text in told[:_SENTENCES]:
        say(printable(text))
    if len(told) > _SENTENCES:
        say(f"and {len(told) - _SENTENCES:,} more that are otherwise than in the context")


def _beside(found: str, own: str) -> str:
    """Return what is in force, with what the context has where that is something else."""
    return f"{found} (context: {own})" if own and own != found else found


def _rows(roof: Roof) -> Iterator[Row]:
    """Yield what is registered in the order of the context, then the entries that commands have made."""
    context, now = roof.context, roof.clock.now()
    standings, lines, left = _in_force(roof)
    for entry in context.processes:
        if isinstance(entry, ManagedProcess):
            yield _managed(context, entry, standings.get(entry.name), now)
        elif isinstance(entry, FreerunProcess):
            yield _freerun(entry, lines.pop((entry.name, entry.entry_name), None), now)
        else:
            yield Row(entry.name, "daemon", "", "", entry.classname, "on", "on", "", "", "", None)
    for line in lines.values():
        if line.state not in _GONE:
            runs = next((_runs(p) for p in context.processes if p.name == line.process), "")
            title = f"{line.process}/{line.entry}"
            yield Row(title, "freerun", "", "", runs, line.state, "", line.schedule, "", "a command", line.next_fire)
    for row in left:
        facts = json.loads(row.shape)
        yield Row(row.name, "retired", QUALIFIERS[facts["qualifier"]].noun, facts.get("tree", ""), "", "", "", "", "", "", None)


_InForce = tuple[dict[str, Standing], dict[tuple[str, str], EntryLine], list[ProcessRow]]


def _in_force(roof: Roof) -> _InForce:
    """Return what the store says of processes and entries, and what has left; nothing, with a word of warning, where it is away."""
    if not roof.has_store:
        return {}, {}, []
    try:
        with roof.joined() as parts:
            desk = FreerunDesk(parts.store, parts.broker, roof.context, roof.clock)
            standings: Iterable[Standing] = roof.desk_over(parts).standings() if roof.context.managed else ()
            lines = {(line.process, line.entry): line for line in desk.lines()}
            left = retired(read_registered(parts.store).values(), roof.context.managed)
            return {found.process: found for found in standings}, lines, left
    except HorariumError as error:
        said = "shown is the context alone: what operators switched, and which processes have left the context, can't be told"
        say(f"warning: {said}: {error}", err=True)
        return {}, {}, []


def _managed(context: Context, entry: ManagedProcess, found: Standing | None, now: datetime) -> Row:
    tree = next((t.name for t in context.trees.values() if entry.name in t.enclosed_processes), "")
    own = _on(is_on=entry.is_on)
    on, schedule = (_on(is_on=found.is_on), found.schedule) if found else (own, entry.trigger_frequency)
    said = [(found.who, found.why)] if found and found.who else []
    said += [(found.schedule_who, found.schedule_why)] if found and found.schedule_who else []
    due = _next_fire(schedule, now) if on == "on" else None
    told = "; ".join(f"{who}: {why}" for who, why in dict.fromkeys(said))
    return Row(entry.name, "managed", entry.qualifier.noun, tree, _runs(entry), on, own, schedule, entry.trigger_frequency, told, due)


def _freerun(entry: FreerunProcess, line: EntryLine | None, now: datetime) -> Row:
    own, title = _on(is_on=entry.is_on), f"{entry.name}/{entry.entry_name}"
    runs, frequency = _runs(entry), entry.trigger_frequency
    if line is None:
        due = _next_fire(frequency, now) if entry.is_on else None
        return Row(title, "freerun", "", "", runs, own, own, frequency, frequency, "", due)
    is_own = (line.state, line.schedule) == (own, frequency)
    said = "" if is_own else line.said or "a command"
    return Row(title, "freerun", "", "", runs, line.state, own, line.schedule or frequency, frequency, said, line.next_fire)


def _runs(entry: ProcessEntry) -> str:
    """Return what an entry runs: a function, or a command."""
    return entry.classname or " ".join(getattr(entry, "argv", ()))


def _on(*, is_on: bool) -> str:
    return "on" if is_on else "off"


def _next_fire(text: str, now: datetime) -> datetime | None:
    """Return the next moment that a schedule names; None for `every`, which names none."""
    schedule = parse_schedule(text)
    return None if isinstance(schedule, Every) else schedule.next_fire(now)
