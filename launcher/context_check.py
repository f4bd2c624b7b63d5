"""Is the process context sound? `launch.py context ...`"""

from __future__ import annotations

import click

from launcher.context_change import context_apply_command, context_plan_command
from launcher.parts import Roof
from launcher.screen import json_option, show_json
from launcher.secrets_file import fault_of
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
    """Check the process context and the secrets file, and list all faults. Needs no store."""
    where, secrets = roof.settings.context, fault_of(roof.settings)
    faults = [secrets] if secrets else []
    try:
        context = roof.context
    except ConfigError as error:
        if not as_json:
            _say(faults)
            raise
        show_json({"context": where, "is_sound": False, "faults": [*(error.faults or [str(error)]), *faults]})
        return 1
    if as_json:
        show_json({"context": where, "is_sound": not faults, "faults": faults})
    else:
        click.echo(f"sound: {where} registers {_counts(context)}")
        _say(faults)
    return int(bool(faults))


def _say(faults: list[str]) -> None:
    for fault in faults:
        click.echo(f"error: {fault}", err=True)


def _counts(context: Context) -> str:
    processes, trees = len(context.processes), len(context.trees)
    return f"{processes} process{'' if processes == 1 else 'es'} in {trees} tree{'' if trees == 1 else 's'}"
