"""How does a shell complete our commands? `launch.py completion SHELL` prints the script, which is click's own."""

from __future__ import annotations

import shlex
import sys

import click
from click.shell_completion import get_completion_class

from launcher.parts import ROOT

_NAME, _VARIABLE = "launch.py", "_LAUNCH_PY_COMPLETE"
# As click has it: the word by which the shell called us, which may be an alias and then starts nothing.
_CALLED_BY = {"bash": "=bash_complete $1", "zsh": f"=zsh_complete {_NAME}", "fish": f"(commandline -t) {_NAME}"}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(_CALLED_BY)), metavar="SHELL")
@click.pass_context
def completion_command(ctx: click.Context, shell: str) -> None:
    """Print what makes SHELL (bash, zsh or fish) complete our commands and options.

    \b
    bash:  source <(launch.py completion bash)
    zsh:   source <(launch.py completion zsh)
    fish:  launch.py completion fish | source
    """
    made = get_completion_class(shell)
    assert made is not None, "click knows the shells that may be given"
    text = made(ctx.find_root().command, {}, _NAME, _VARIABLE).source()
    before = _CALLED_BY[shell]
    ours = f"{shlex.quote(sys.executable)} {shlex.quote(str(ROOT / _NAME))}"
    after = before.removesuffix(before.rpartition(" ")[2]) + ours
    # Found on the path or not, the call names us in full.
    click.echo(text.replace(before, after).replace(f"    (( ! $+commands[{_NAME}] )) && return 1\n", ""))
