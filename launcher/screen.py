"""How does a command show what it found? As text for a person, or as one JSON document for a program."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, TypeVar

import click
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table

Function = TypeVar("Function", bound=Callable[..., Any])

# Where nobody watches, lines are not cut to fit a terminal that isn't there.
_PIPE_WIDTH = 160


def json_option(command: Function) -> Function:
    """Add `--json` to a command, which is handed over as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, for programs.")(command)


class Screen(Console):
    """A console that falls silent where its reader went away: what goes on behind it does not end for that."""

    def on_broken_pipe(self) -> None:
        """Print no more, neither here nor when Python closes stdout and stderr."""
        self.quiet = True
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
                continue
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def console(*, stderr: bool = False) -> Screen:
    """Return the console of stdout (or stderr), as wide as the terminal, or wide enough for a pipe."""
    made = Screen(highlight=False, stderr=stderr)
    return made if made.is_terminal else Screen(highlight=False, stderr=stderr, width=_PIPE_WIDTH)


def show(text: RenderableType) -> None:
    """Print something on stdout."""
    console().print(text)


def limit_option(most: int) -> Callable[[Function], Function]:
    """Return what adds `--limit` to a command: `limit` rows of the table, `most` unless it is given; JSON has all then."""
    said = f"At most so many; else {most} as a table, and all as JSON."
    return click.option("--limit", type=click.IntRange(min=1), metavar="N", help=said)


def show_json(value: object) -> None:
    """Print `value` on stdout as one JSON document."""
    click.echo(json.dumps(plain(value), ensure_ascii=False, indent=2))


def plain(value: object) -> object:
    """Return `value` made of what JSON has: records become objects, instants ISO texts, states their names."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return str(getattr(value, "label", value.value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [plain(item) for item in value]
    return value


def table_of(*columns: str, right: Sequence[str] = (), whole: Sequence[str] = ()) -> Table:
    """Return an empty table. Columns named in `right` hold numbers; those and the ones in `whole` are never broken into lines."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        is_whole = column in right or column in whole
        made.add_column(column, justify="right" if column in right else "left", overflow="fold", no_wrap=is_whole)
    return made


def show_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Print names with what belongs to them, a line each."""
    table = table_of("", "")
    table.show_header = False
    for name, text in facts:
        table.add_row(name, escape(printable(text)))
    show(table)


def moment(at: datetime | None) -> str:
    """Return an instant to the second, in UTC; a dash for none."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z" if at else "-"


def number(count: int) -> str:
    """Return a count with thousands apart; a dash for 0, so that what is there stands out."""
    return f"{count:,}" if count else "-"


def printable(text: str) -> str:
    """Return what a job printed without what could steer a terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)
