"""What is registered, and when is it due next? `launch.py list`"""

from __future__ import annotations

import json
from datetime import datetime

import click
from rich.markup import escape

from launcher.parts import Roof
from launcher.say import say
from launcher.screen import json_option, moment, show, show_json, table_of
from scheduler.registry import read_registered, retired
from system.context import Context, FreerunProcess, ManagedProcess, ProcessEntry
from system.errors import HorariumError
from system.schedule import Every, parse_schedule
from system.timeperiod import QUALIFIERS


@click.command("list")
@json_option
@click.pass_obj
def list_command(roof: Roof, *, as_json: bool) -> None:
    """List the registered processes, and those that have left the context."""
    now = roof.clock.now()
    rows = [_row(roof.context, entry, now) for entry in roof.context.processes] + _retired(roof)
    if as_json:
        show_json(rows)
        return
    if not rows:
        say(f"the process context {roof.settings.context} registers no process")
        return
    columns = [name for name in rows[0] if name != "next" or any(row["next"] for row in rows)]  # mostly there is none: `every` names none
    table = table_of(*columns)
    for row in rows:
        table.add_row(*(escape(_cell(row[name])) for name in columns))
    show(table)


def next_fire(entry: ProcessEntry, now: datetime) -> datetime | None:
    """Return the next moment that an entry's schedule names; None for `every`, which names none, and for a daemon."""
    if not isinstance(entry, ManagedProcess | FreerunProcess):
        return None
    schedule = parse_schedule(entry.trigger_frequency)
    return None if isinstance(schedule, Every) else schedule.next_fire(now)


def _cell(found: str | datetime | None) -> str:
    return found if isinstance(found, str) else moment(found)


def _retired(roof: Roof) -> list[dict[str, str | datetime | None]]:
    """Return the processes that have left the context; none where the store can't be asked, which is said."""
    try:
        with roof.joined() as parts:
            rows = retired(read_registered(parts.store).values(), roof.context.managed)
    except HorariumError as error:
        say(f"which processes have left the context can't be told: {error}", err=True)
        return []
    facts = {row.name: json.loads(row.shape) for row in rows}
    return [
        {
            "process": row.name,
            "kind": "retired",
            "level": QUALIFIERS[facts[row.name]["qualifier"]].noun,
            "tree": facts[row.name].get("tree", ""),
            "runs": "",
            "on": "",
            "schedule": "",
            "next": None,
        }
        for row in rows
    ]


def _row(context: Context, entry: ProcessEntry, now: datetime) -> dict[str, str | datetime | None]:
    kind = "managed" if isinstance(entry, ManagedProcess) else "freerun" if isinstance(entry, FreerunProcess) else "daemon"
    tree = next((t.name for t in context.trees.values() if entry.name in t.enclosed_processes), "")
    name = f"{entry.name}/{entry.entry_name}" if isinstance(entry, FreerunProcess) else entry.name
    return {
        "process": name,
        "kind": kind,
        "level": entry.qualifier.noun if isinstance(entry, ManagedProcess) else "",
        "tree": tree,
        "runs": entry.classname or (" ".join(entry.argv) if isinstance(entry, ManagedProcess) else ""),
        "on": "on" if getattr(entry, "is_on", True) else "off",
        "schedule": getattr(entry, "trigger_frequency", ""),
        "next": next_fire(entry, now),
    }
