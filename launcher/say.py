"""How is a sentence said? In a terminal broken between words, so that none is cut in two; elsewhere as it is, one line each."""

from __future__ import annotations

import re
import textwrap

import click

from launcher.screen import console

_WHOLE = re.compile(r"`[^`\n]*`")  # what is pressed stays on one line, so that it can be copied
_HELD = "\ue000"  # stands for a space at which no line may end
_LEAST_WIDTH = 20


def say(text: str, *, err: bool = False) -> None:
    """Print sentences on stdout, or on stderr."""
    screen = console(stderr=err)
    click.echo(wrapped(text, screen.width) if screen.is_terminal else text, err=err)


def wrapped(text: str, width: int) -> str:
    """Return `text` in lines of at most `width`, each line of it for itself; words and what stands in backquotes are never cut."""
    return "\n".join(_line(line, max(width, _LEAST_WIDTH)) for line in text.split("\n"))


def _line(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    body = line.lstrip(" -!")
    indent = " " * (len(line) - len(body))
    held = _WHOLE.sub(lambda found: found[0].replace(" ", _HELD), body)
    made = textwrap.wrap(held, width - len(indent), break_long_words=False, break_on_hyphens=False)
    return line[: len(indent)] + f"\n{indent}".join(made).replace(_HELD, " ")


def counted(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun, such as `1 tree` or `3 trees`."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
