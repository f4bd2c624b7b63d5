"""What is a group of commands? Click's, which cuts no summary short, and reads a command's module when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

_LONGEST = 1_000  # beyond any sentence


class CommandGroup(click.Group):
    """A group whose help tells the whole first sentence of each command: at 80 columns half a sentence says nothing."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, by name."""
        found = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(_LONGEST)) for name, command in found if command])


class LateGroup(CommandGroup):
    """A group that knows by `where` in which module each command is, as `module:attribute`."""

    def __init__(self, *given: Any, where: Mapping[str, str], **named: Any) -> None:
        super().__init__(*given, **named)
        self._where = where

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, by name."""
        return sorted({*super().list_commands(ctx), *self._where})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name, None where there is none."""
        # Of a name that is none, click suggests near ones among those that were read.
        for name in [cmd_name] if cmd_name in self._where else self._where:
            if name not in self.commands:
                module, _, attribute = self._where[name].partition(":")
                self.add_command(getattr(import_module(module), attribute), name)
        return super().get_command(ctx, cmd_name)
