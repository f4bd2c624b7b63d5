"""Is the process context sound? `launch.py context ...`"""

from __future__ import annotations

import click

from launcher.context_change import context_apply_command, context_plan_command
from launcher.parts import Roof
from launcher.screen import json_option, show_json
from system.context import Context
from system.errors import ConfigError


@click.group("context")
def context_group() -> None:
    """Look at the process context as a whole, and at what its changes would do."""


context_group.add_command(context_plan_command)
context_group.add_command(context_apply_command)

@context_group.command("check")
@json_option
@click.pass_obj
def check_command(roof: Roof, *, as_json: bool) -> int:
    """Check the process context and list all faults. Needs no store."""
    where = roof.settings.context
    try:
        context = roof.context
    except ConfigError as error:
        if not as_json:
            raise
        show_json({"context": where, "is_sound": False, "faults": list(error.faults) or [str(error)]})
        return 1
    if as_json:
        show_json({"context": where, "is_sound": True, "faults": []})
    else:
        click.echo(f"sound: {where} registers {_counts(context)}")
    return 0


def _counts(context: Context) -> str:
    processes, trees = len(context.processes), len(context.trees)
    return f"{processes} process{'' if processes == 1 else 'es'} in {trees} tree{'' if trees == 1 else 's'}"
