"""What is a group of commands? Click's, which cuts no summary short: at 80 columns half a sentence says nothing."""

from __future__ import annotations

import click

_LONGEST = 1_000  # beyond any sentence


class CommandGroup(click.Group):
    """A group whose help tells the whole first sentence of each command."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, by name."""
        rows = [(name, self.commands[name].get_short_help_str(_LONGEST)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
