"""Is the process context sound? `launch.py context ...`"""

from __future__ import annotations

import click

from launcher.context_change import context_apply_command, context_plan_command
from launcher.group import CommandGroup
from launcher.parts import Roof
from launcher.say import counted, say
from launcher.screen import json_option, show_json
from launcher.secrets_file import fault_of
from system.context import Context
from system.errors import ConfigError


@click.group("context", cls=CommandGroup)
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
        say(f"sound: {where} registers {counts_of(context)}")
        _say(faults)
    return int(bool(faults))


def _say(faults: list[str]) -> None:
    for fault in faults:
        say(f"error: {fault}", err=True)


def counts_of(context: Context) -> str:
    """Return what a context registers, such as `3 processes in 1 tree, 2 freerun entries`."""
    processes = counted(len({process.name for process in context.processes}), "process", "processes")
    entries = f", {counted(len(context.freerun), 'freerun entry', 'freerun entries')}" if context.freerun else ""
    return f"{processes} in {counted(len(context.trees), 'tree')}{entries}"
