"""What does one period do when it is run here and now? `launch.py run PROCESS PERIOD`, for whoever writes a job.

A slot as a worker has it, but no store, no broker, no scheduler: nothing is recorded, nothing is waited for, and no second attempt
follows. The job sees the very `work` that a worker would give it.
"""

from __future__ import annotations

import os
import select
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

from db.model import UnitOfWork
from launcher import named
from launcher.parts import OWN_VARIABLES, Roof, worker_settings
from launcher.say import say
from launcher.screen import json_option, printable, show_json
from supervisor.local_crew import mark_by_hand
from system.context import Context, ManagedProcess
from system.grouping import group_of
from system.timeperiod import Timeperiod, parse
from workers.slots import Ended, Ending, Slots, Task
from workers.tasks import task_of

_ALIVE_S, _LOOK_MS = 60.0, 200


@click.command("run")
@click.argument("process", metavar="PROCESS")
@click.argument("timeperiod", metavar="PERIOD")
@click.option("--fence", default=1, show_default=True, type=click.IntRange(min=1), metavar="N", help="The fence that the job is given.")
@json_option
@click.pass_obj
def run_command(roof: Roof, process: str, timeperiod: str, *, fence: int, as_json: bool) -> int:
    """Run one period in the foreground, for development.

    Without scheduler and store: nothing is recorded. What the job writes it does write.
    """
    entry = named.managed(roof.context, process)
    task = _task(roof, entry, named.period(entry, timeperiod), fence)
    pieces: list[str] = []
    began_s = roof.clock.monotonic()
    ended = attempt(roof, roof.context, task, pieces.append if as_json else _print)
    seconds = round(roof.clock.monotonic() - began_s, 3)
    is_good = ended.ending in (Ending.DONE, Ending.EMPTY)
    if as_json:
        place = {"process": task.process, "timeperiod": task.timeperiod}
        facts = {"rows": ended.rows, "reason": ended.reason, "seconds": seconds, "output": "".join(pieces)}
        show_json({**place, "ending": ended.ending, **facts})
    else:
        sys.stdout.flush()
        say(f"{task.process} {task.timeperiod}: {_said(ended)} ({seconds:g} s)", err=True)
    return 0 if is_good else 1


def attempt(roof: Roof, context: Context, task: Task, hear: Callable[[str], object]) -> Ended:
    """Run one task in a slot and return how it ended; `hear` is given what it prints, as it prints. Everything is cleaned up."""
    from workers.processes import ProcessSlots
    from workers.vault import Vault

    figures = worker_settings(roof.settings)
    with _environment(roof.settings.environ()), tempfile.TemporaryDirectory(prefix="horarium-run-") as folder:
        vault = Vault(roof.settings.secrets_file, os.environ)
        slots = ProcessSlots(
            1,
            user_folder=Path(context.folder),
            output_folder=Path(folder),
            clock=roof.clock,
            mark=mark_by_hand(roof.settings.folder),
            output_limit_bytes=figures.output_limit_bytes,
            vault=vault,
            end_grace_s=figures.end_grace_s,
        )
        try:
            slots.extend(roof.clock.monotonic() + _ALIVE_S)
            slots.start(task)
            return _until_ended(slots, roof, hear)
        finally:
            slots.close()


@contextmanager
def _environment(added: Mapping[str, str]) -> Iterator[None]:
    """Let what is started inside find every setting in its environment, as under `up`, and nothing that is for commands alone."""
    before = dict(os.environ)
    os.environ.update(added)
    for name in OWN_VARIABLES:
        os.environ.pop(name, None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _until_ended(slots: Slots, roof: Roof, hear: Callable[[str], object]) -> Ended:
    poll = select.poll()
    poll.register(slots.fileno(), select.POLLIN)
    while True:
        poll.poll(_LOOK_MS)
        slots.extend(roof.clock.monotonic() + _ALIVE_S)
        found = slots.ended()
        for piece in slots.output():
            hear(piece.text)
        if found:
            return found[0]


def _task(roof: Roof, entry: ManagedProcess, timeperiod: str, fence: int) -> Task:
    """Return the attempt that a worker would be given for the period; BadName where a period of its group runs instead."""
    ordinal = parse(entry.qualifier, timeperiod).ordinal
    group = group_of(entry.qualifier, ordinal, entry.time_grouping)
    if group[-1] != ordinal:
        end = Timeperiod(entry.qualifier, group[-1]).id
        raise named.BadName(f"{entry.name} {timeperiod} is never run: time_grouping={entry.time_grouping} runs {end} for it")
    start, end = Timeperiod(entry.qualifier, group.start).id, Timeperiod(entry.qualifier, group.stop).id
    uow = UnitOfWork(
        f"{entry.name}/{timeperiod}/1/1", entry.name, timeperiod, entry.queue, start, end, roof.clock.now(), turn=0, fence=fence
    )
    return task_of(uow, roof.context)


def _print(text: str) -> None:
    click.echo(printable(text), nl=False)


def _said(ended: Ended) -> str:
    if ended.ending is Ending.DONE:
        return "done" if ended.rows is None else f"done, {ended.rows:,} rows"
    reason = printable(ended.reason)
    return f"{ended.ending.value}: {reason}" if reason else ended.ending.value
