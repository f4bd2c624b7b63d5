"""What is set, and where did it come from? `launch.py settings`"""

from __future__ import annotations

import click
from rich.markup import escape

from launcher.parts import Roof
from launcher.say import say
from launcher.screen import json_option, show, show_json, table_of
from launcher.secrets_file import fault_of
from settings import TABLE
from system.hidden import hide


@click.command("settings")
@json_option
@click.pass_obj
def settings_command(roof: Roof, *, as_json: bool) -> int:
    """Show every setting: value, unit, and where it came from. Passwords are hidden."""
    rows, fault = rows_of(roof), fault_of(roof.settings)
    if as_json:
        show_json(rows)
    else:
        _show(roof, rows)
    if fault:
        say(f"error: {fault}", err=True)
    return int(bool(fault))


def _show(roof: Roof, rows: list[dict[str, object]]) -> None:
    table = table_of("setting", "value", "from")
    for row in rows:
        value = f"{row['value']} {row['unit'] if isinstance(row['value'], int | float) else ''}".rstrip()
        table.add_row(str(row["setting"]), f"{escape(value)}\n[dim]{escape(str(row['help']))}[/dim]", str(row["from"]))
    show(table)
    say(f"settings file: {roof.settled.file or 'none'}")
    say("to change one: the file settings.toml beside the context, HORARIUM_<NAME>, or launch.py --set NAME=VALUE ...")


def rows_of(roof: Roof) -> list[dict[str, object]]:
    """Return every setting: name, value, unit, help, and where it came from. Passwords are hidden."""
    found = roof.settled
    values = {name: getattr(found.settings, name) for name in TABLE}
    return [
        {
            "setting": name,
            "value": _shown(name, value),
            "unit": TABLE[name].metadata["unit"],
            "help": TABLE[name].metadata["help"],
            "from": found.places[name],
        }
        for name, value in values.items()
    ]


def _shown(name: str, value: object) -> object:
    """Return what may be shown of a value."""
    if TABLE[name].metadata["is_secret"] and value:
        return "***"
    return hide(value) if isinstance(value, str) else value
