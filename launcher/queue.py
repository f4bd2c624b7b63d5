"""What waits in the queues? `launch.py queue ...`"""

from __future__ import annotations

import difflib
from collections.abc import Mapping

import click
from rich.markup import escape

from db.model import Command
from launcher import named
from launcher.asking import sure
from launcher.dead_letters import MOST, dead_letters, drop, send_again
from launcher.group import CommandGroup
from launcher.parts import Joined, Roof
from launcher.say import say
from launcher.screen import json_option, number, printable, show, show_json, table_of
from launcher.web.noted import note
from launcher.who import who
from system.context import DEAD_QUEUE, JOB_QUEUE, REPORT_QUEUE, Context, DaemonProcess, ManagedProcess
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
        if queue == DEAD_QUEUE and not depths.get(queue, 0):
            continue
        table.add_row(escape(queue), number(depths.get(queue, 0)), escape(", ".join(names)))
    show(table)


@queue_group.command("purge")
@click.argument("queue", metavar="QUEUE")
@click.option("--why", default="", metavar="TEXT", help="The reason; it is kept in the audit log.")
@click.option("--yes", "is_sure", is_flag=True, help="Don't ask.")
@json_option
@click.pass_obj
def purge_command(roof: Roof, queue: str, *, why: str, is_sure: bool, as_json: bool) -> int:
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
        text = f"dropped {dropped:,} messages of {queue}; a scheduler that leads sends anew what is still requested"
        note(parts.store, Command("queue purge", queue, "", who(), why, roof.clock.now(), answer=text))
    if as_json:
        show_json({"queue": queue, "dropped": dropped})
    else:
        say(text)
    return 0


@queue_group.command("dead")
@click.option("--requeue", "is_requeue", is_flag=True, help="Send those that are still due to their queues, and drop the rest.")
@click.option("--drop", "is_drop", is_flag=True, help="Drop them all.")
@click.option("--why", default="", metavar="TEXT", help="The reason; it is kept in the audit log.")
@json_option
@click.pass_obj
def dead_command(roof: Roof, *, is_requeue: bool, is_drop: bool, why: str, as_json: bool) -> None:
    """List the messages that a broker gave up on since they came back too often, or settle them. No work is lost by them."""
    if is_requeue and is_drop:
        raise click.UsageError("say one of --requeue and --drop")
    with roof.joined() as parts:
        if is_requeue or is_drop:
            _settle(roof, parts, why, is_requeue=is_requeue, as_json=as_json)
            return
        letters = dead_letters(parts.store, parts.broker)
        waiting = parts.broker.depths([DEAD_QUEUE])[DEAD_QUEUE]
    if as_json:
        show_json([{"message": letter.body, "queue": letter.queue, "state": letter.state} for letter in letters])
        return
    if not letters:
        say("there are no dead letters")
        return
    table = table_of("message", "queue", "state")
    for letter in letters:
        table.add_row(escape(" ".join(printable(letter.body).split())), escape(letter.queue or "-"), letter.state or "unknown")
    show(table)
    if waiting > MOST:
        say(f"these are the oldest {MOST:,} of {waiting:,} messages; the next ones come up once they are settled")
    say("`launch.py queue dead --requeue` sends again what is still due, `--drop` drops them; the logs of the workers say why they died")


def _settle(roof: Roof, parts: Joined, why: str, *, is_requeue: bool, as_json: bool) -> None:
    settled = send_again(parts.store, parts.broker) if is_requeue else drop(parts.broker)
    verb, text = ("queue requeue", settled.sent_text) if is_requeue else ("queue drop", settled.dropped_text)
    note(parts.store, Command(verb, DEAD_QUEUE, "", who(), why, roof.clock.now(), answer=text))
    if as_json:
        show_json({"sent": settled.sent, "dropped": settled.dropped})
    else:
        say(text)


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
    found[DEAD_QUEUE] = ["dead letters"]
    return found
