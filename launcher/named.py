"""Which process and period does a person mean? Checks names before anything is opened, and suggests near ones."""

from __future__ import annotations

import difflib
from typing import IO, Any

import click

from system.context import Context, ManagedProcess
from system.errors import TimeperiodError
from system.timeperiod import completed, parse


class BadName(click.ClickException):
    """What was named on the command line does not exist: BadName, said without the usage lines, which would not help."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the message to stderr."""
        click.echo(f"error: {self.message}", file=file, err=True)


def managed(context: Context, name: str) -> ManagedProcess:
    """Return the managed process of that name; BadName suggests near names, or lists all where there are few."""
    if name in context.managed:
        return context.managed[name]
    if any(p.name == name for p in context.processes):
        raise BadName(f"{name!r} has no timeperiods: it is not a managed process")
    names = list(context.managed)
    near = difflib.get_close_matches(name, names, n=3)
    if near:
        hint = f"did you mean {' or '.join(near)}?"
    elif len(names) <= 12:
        hint = f"there are {', '.join(names) or 'none'}"
    else:
        hint = "`launch.py list` shows them"
    raise BadName(f"there is no managed process {name!r}; {hint}")


def period(process: ManagedProcess, text: str) -> str:
    """Return the timeperiod of the process that `text` names, its last zeros given or not; else BadName names the format."""
    try:
        return parse(process.qualifier, completed(process.qualifier, text)).id
    except TimeperiodError as error:
        raise BadName(f"{process.name} is {process.qualifier.noun}: {error}") from error


def period_range(process: ManagedProcess, text: str) -> tuple[str, str]:
    """Return the first period that `text` names and the one it ends before: `2013010100` (no end, "") or `2013010100..2013020100`."""
    first, dots, last = text.partition("..")
    if dots and not last:
        raise BadName(f"{text!r} has no end: write FIRST..END, END being the first period that is left out")
    begin, end = period(process, first), period(process, last) if dots else ""
    if end and end <= begin:
        raise BadName(f"the range {text} is empty: its END, the first period that is left out, is not after its beginning")
    return begin, end
