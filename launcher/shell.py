"""What does a person do for whom no command is there? `launch.py shell`: Python, with desk, store and context at hand."""

from __future__ import annotations

import code
import sys

import click

from launcher.parts import Roof
from launcher.say import say

_BANNER = """Horarium on Python {version}. At hand: desk, store, broker, context, settings, roof.
desk.timetable(), desk.job(PROCESS, PERIOD), desk.why(PROCESS, PERIOD); help(desk) tells the rest. What you write into
the store yourself is not checked. Ctrl-D ends."""


class _Script(code.InteractiveInterpreter):
    """Runs what comes from a pipe, and remembers whether it ended well."""

    exit_code = 0

    def showtraceback(self) -> None:
        """Show it as Python does."""
        self.exit_code = 1
        super().showtraceback()


@click.command("shell")
@click.option("-c", "--command", "script", metavar="CODE", help="Run this and end. Code from a pipe is run likewise.")
@click.pass_obj
def shell_command(roof: Roof, *, script: str | None) -> int:
    """Start a Python shell with desk, store and context at hand."""
    roof.context  # noqa: B018  read for its faults
    with roof.joined() as parts:
        names = {
            "desk": roof.desk_over(parts), "store": parts.store, "broker": parts.broker, "context": roof.context,
            "settings": roof.settings, "roof": roof, "__name__": "__console__",
        }  # fmt: skip
        if script is None and sys.stdin.isatty():
            return _interact(names)
        return _run(sys.stdin.read() if script is None else script, names)


def _interact(names: dict[str, object]) -> int:
    try:
        import readline  # noqa: F401  a line can be edited, where Python has it
    except ImportError:
        say("(no readline: lines can't be edited)", err=True)
    try:
        code.interact(_BANNER.format(version=sys.version.split()[0]), local=names, exitmsg="")
    except SystemExit as error:
        return _code_of(error)
    return 0


def _run(script: str, names: dict[str, object]) -> int:
    shell = _Script(names)
    try:
        made = compile(script, "<given>", "exec")
    except (SyntaxError, ValueError, OverflowError) as error:
        click.echo(f"error: {type(error).__name__}: {error}", err=True)
        return 1
    try:
        shell.runcode(made)
    except SystemExit as error:
        return _code_of(error)
    return shell.exit_code


def _code_of(error: SystemExit) -> int:
    if isinstance(error.code, str):
        click.echo(error.code, err=True)
    return error.code if isinstance(error.code, int) else int(error.code is not None)
