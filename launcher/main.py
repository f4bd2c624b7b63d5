"""Which commands are there, and what becomes of their errors? The root of `launch.py`.

Exit codes: 0 done, 1 refused or failed, 2 usage.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click
from click.exceptions import NoArgsIsHelpError

from launcher.act import plan_command
from launcher.audit import audit_command
from launcher.completion import completion_command
from launcher.context_check import context_group
from launcher.daemons import start_command, stop_command
from launcher.database import db_command
from launcher.doctor import doctor_command
from launcher.foreground import run_command
from launcher.freerun import freerun_group
from launcher.group import CommandGroup
from launcher.install import install_command
from launcher.job import job_group
from launcher.listing import list_command
from launcher.overview import timetable_command
from launcher.parts import Roof
from launcher.process import process_group
from launcher.project import init_command
from launcher.query import query_command
from launcher.queue import queue_group
from launcher.report import report_command
from launcher.say import say
from launcher.selftest import test_command
from launcher.settings_list import settings_command
from launcher.shell import shell_command
from launcher.simulate import simulate_command
from launcher.status import status_command
from launcher.supervise import super_command
from launcher.up import up_command
from system import logs
from system.errors import HorariumError
from system.hidden import hide

DONE, REFUSED, USAGE = 0, 1, 2


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="Overrule a setting, for this command; may be repeated.")
@click.pass_obj
def cli(roof: Roof, given: tuple[str, ...]) -> None:
    """A scheduler for recurring batch pipelines whose data comes in periods.

    Settings come from a file (settings.toml beside the context, or the one that HORARIUM_SETTINGS names), the environment
    and --set: HORARIUM_CONTEXT names the process context (default context.py), HORARIUM_VAR the folder for everything that
    is written (default var). `launch.py settings` shows all.
    """
    roof.given = (*roof.given, *given)


COMMANDS: tuple[click.Command, ...] = (
    install_command, up_command, start_command, stop_command, query_command, super_command, test_command,
    job_group, process_group, freerun_group,
    plan_command, timetable_command, status_command, doctor_command, audit_command, report_command, list_command, settings_command,
    run_command, simulate_command, init_command, context_group, queue_group, db_command, shell_command, completion_command,
)  # fmt: skip
for command in COMMANDS:
    cli.add_command(command)


def main(argv: Sequence[str] | None = None, roof: Roof | None = None) -> int:
    """Run one command; returns the exit code. What goes wrong is one message on stderr, without a traceback."""
    logs.quiet()
    try:
        result = cli.main(list(argv) if argv is not None else None, prog_name="launch.py", standalone_mode=False, obj=roof or Roof())
        sys.stdout.flush()
    except HorariumError as error:
        return _refused(str(error), REFUSED)
    except click.ClickException as error:
        return _misused(error)
    except (click.Abort, KeyboardInterrupt):
        return _refused("interrupted", REFUSED)
    except BrokenPipeError:
        # Whoever read us has seen enough. Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return REFUSED
    except OSError as error:
        return _refused(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}", REFUSED)
    return result if isinstance(result, int) else DONE


def _misused(error: click.ClickException) -> int:
    """Say what was wrong with the command line, after the usage line where that helps; `launch.py job` alone shows its help."""
    if isinstance(error, NoArgsIsHelpError):
        error.show()
        return error.exit_code
    text = " ".join(error.format_message().split())
    if isinstance(error, click.UsageError) and error.ctx is not None:
        say(error.ctx.get_usage(), err=True)
        text = f"{text[:1].lower()}{text[1:].rstrip('.').replace('. Did', '; did')}; `{error.ctx.command_path} --help` tells more"
    return _refused(text, error.exit_code)


def _refused(text: str, exit_code: int) -> int:
    say(f"error: {hide(text)}", err=True)
    return exit_code
