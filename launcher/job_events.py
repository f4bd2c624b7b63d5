"""What has happened to a job? `launch.py job events`"""

from __future__ import annotations

import click
from rich.markup import escape

from launcher import named
from launcher.parts import Roof
from launcher.say import say
from launcher.screen import json_option, moment, printable, show, show_json, table_of
from launcher.steering import deployment, registered


@click.command("events")
@click.argument("process", metavar="PROCESS")
@click.argument("timeperiod", metavar="PERIOD")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000), metavar="N", help="How many; the latest ones.")
@json_option
@click.pass_obj
def events_command(roof: Roof, process: str, timeperiod: str, *, limit: int, as_json: bool) -> None:
    """Show what has happened to a job, oldest first: what, when, by whom and why."""
    entry = named.managed(registered(roof), process)
    place = entry.name, named.period(entry, timeperiod)
    with deployment(roof) as found:
        entries = found.desk.log(*place, limit)
    if as_json:
        show_json(entries)
        return
    if not entries:
        say(f"nothing is known to have happened to {place[0]} {place[1]}", err=True)
        return
    table = table_of("when", "what", "who", "more", whole=["when"])
    for each in entries:
        table.add_row(moment(each.at), each.what, *(escape(printable(text)) for text in (each.who, each.text)))
    show(table)
    if len(entries) == limit:
        say("there may be earlier ones; --limit shows more")
