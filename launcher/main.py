"""Which commands are there, and what becomes of their errors? The root of `launch.py`.

Exit codes: 0 done, 1 refused or failed, 2 usage.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence

import click
from click.exceptions import NoArgsIsHelpError

from launcher.group import LateGroup
from launcher.parts import Roof
from launcher.say import say
from system import logs
from system.errors import HorariumError
from system.hidden import hide

DONE, REFUSED, USAGE = 0, 1, 2


# Where each command is; its module is read when it is asked for, as what one command needs would hold up all others.
COMMANDS = {
    "install": "launcher.install:install_command",
    "up": "launcher.up:up_command",
    "start": "launcher.daemons:start_command",
    "stop": "launcher.daemons:stop_command",
    "query": "launcher.query:query_command",
    "mx": "launcher.mx:mx_group",
    "user": "launcher.user:user_group",
    "token": "launcher.token:token_group",
    "super": "launcher.supervise:super_command",
    "test": "launcher.selftest:test_command",
    "job": "launcher.act:job_group",  # which adds the commands that act on a job
    "process": "launcher.process:process_group",
    "freerun": "launcher.freerun:freerun_group",
    "plan": "launcher.act:plan_command",
    "timetable": "launcher.overview:timetable_command",
    "status": "launcher.status:status_command",
    "doctor": "launcher.doctor:doctor_command",
    "audit": "launcher.audit:audit_command",
    "report": "launcher.report:report_command",
    "list": "launcher.listing:list_command",
    "settings": "launcher.settings_list:settings_command",
    "run": "launcher.foreground:run_command",
    "simulate": "launcher.simulate:simulate_command",
    "init": "launcher.project:init_command",
    "context": "launcher.context_check:context_group",
    "queue": "launcher.queue:queue_group",
    "db": "launcher.database:db_command",
    "migrate": "launcher.migrate:migrate_command",
    "shell": "launcher.shell:shell_command",
    "completion": "launcher.completion:completion_command",
}


@click.group(cls=LateGroup, where=COMMANDS, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="Overrule a setting, for this command; may be repeated.")
@click.option("--url", metavar="URL", help="A dashboard to ask, in place of this box's store; the setting token logs in there.")
@click.pass_obj
def cli(roof: Roof, given: tuple[str, ...], url: str | None) -> None:
    """A scheduler for recurring batch pipelines whose data comes in periods.

    Settings come from a file (settings.toml beside the context, or the one that HORARIUM_SETTINGS names), the environment
    and --set: HORARIUM_CONTEXT names the process context (default context.py), HORARIUM_VAR the folder for everything that
    is written (default var). `launch.py settings` shows all.
    """
    roof.given = (*roof.given, *given, *([f"url={url}"] if url is not None else []))


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
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            named = f" ({error.filename})" if error.filename else ""
            return _refused(f"the disk is full{named}: free some space, then press the same again; `launch.py doctor` names it", REFUSED)
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
