"""What waits in the queues? `launch.py queue ...`"""

from __future__ import annotations

import difflib
from collections.abc import Mapping

import click
from rich.markup import escape

from launcher import named
from launcher.asking import sure
from launcher.group import CommandGroup
from launcher.parts import Roof
from launcher.say import say
from launcher.screen import json_option, number, show, show_json, table_of
from system.context import JOB_QUEUE, REPORT_QUEUE, Context, DaemonProcess, ManagedProcess
from system.lanes import both_lanes


@click.group("queue", cls=CommandGroup)
def queue_group() -> None:
    """Look at the queues of the broker, or empty one."""


@queue_group.command("list")
@json_option
@click.pass_obj
def list_command(roof: Roof, *, as_json: bool) -> None:
    """List the queues, with how many messages each holds."""
    readers = queues_of(roof.context)
    with roof.joined() as parts:
        depths = parts.broker.depths(list(readers))
    if as_json:
        show_json([{"queue": queue, "messages": depths.get(queue, 0), "of": list(names)} for queue, names in readers.items()])
        return
    table = table_of("queue", "messages", "of", right=["messages"])
    for queue, names in readers.items():
        table.add_row(escape(queue), number(depths.get(queue, 0)), escape(", ".join(names)))
    show(table)


@queue_group.command("purge")
@click.argument("queue", metavar="QUEUE")
@click.option("--yes", "is_sure", is_flag=True, help="Don't ask.")
@json_option
@click.pass_obj
def purge_command(roof: Roof, queue: str, *, is_sure: bool, as_json: bool) -> int:
    """Drop the messages that wait in QUEUE. Work is not lost by it: the scheduler's sweep asks for it anew."""
    if queue not in queues_of(roof.context):
        near = difflib.get_close_matches(queue, queues_of(roof.context), n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "`launch.py queue list` shows them"
        raise named.BadName(f"there is no queue {queue!r}; {hint}")
    with roof.joined() as parts:
        waiting = parts.broker.depths([queue]).get(queue, 0)
        if not sure(f"drop {waiting:,} messages of {queue}?", is_sure=is_sure):
            return 1
        dropped = parts.broker.purge(queue)
    if as_json:
        show_json({"queue": queue, "dropped": dropped})
    else:
        say(f"dropped {dropped:,} messages of {queue}; a scheduler that leads sends anew what is still requested")
    return 0


def queues_of(context: Context) -> Mapping[str, list[str]]:
    """Return the queues that a context leads to, each with whom its messages are for."""
    found: dict[str, list[str]] = {REPORT_QUEUE: ["scheduler"]}
    for process in context.processes:
        if not isinstance(process, DaemonProcess):
            for name in both_lanes([process.queue]) if isinstance(process, ManagedProcess) else [process.queue]:
                readers = found.setdefault(name, [])
                if process.name not in readers:
                    readers.append(process.name)
    for queue in context.queues:
        found.setdefault(queue.name, [])
    found.pop(JOB_QUEUE, None)
    return found
