"""What is registered? `launch.py list`"""

from __future__ import annotations

import click
from rich.markup import escape

from launcher.parts import Roof
from launcher.screen import json_option, show, show_json, table_of
from system.context import Context, FreerunProcess, ManagedProcess, ProcessEntry


@click.command("list")
@json_option
@click.pass_obj
def list_command(roof: Roof, *, as_json: bool) -> None:
    """List the registered processes."""
    rows = [_row(roof.context, entry) for entry in roof.context.processes]
    if as_json:
        show_json(rows)
        return
    if not rows:
        click.echo(f"the process context {roof.settings.context} registers no process")
        return
    table = table_of("process", "kind", "level", "tree", "runs", "on")
    for row in rows:
        table.add_row(*(escape(str(cell)) for cell in row.values()))
    show(table)


def _row(context: Context, entry: ProcessEntry) -> dict[str, str]:
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
    }
