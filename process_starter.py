"""How does one process of the system start? `process_starter.py NAME`, NAME being `scheduler`, `worker`, `mx` or a daemon of the context.

A number may follow: `worker.2`, `poller.2`. The supervisor starts its children so; a person may start one more by hand. `supervisor` is
what `launch.py start` starts: with `--daemon FD`, which detaches it and has it tell FD why it can't go on. `--console` logs to the
terminal too, and names the process by a pid file. Exit codes: 0 stopped as asked, 1 refused or failed, 2 usage.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from launcher.alone import DAEMON, SUPERVISOR, lock_path, named, only_one, refuse_beside, running, single
from launcher.kept import run_kept
from launcher.once_there import AskedToStop, parts_once_there, stopped_by_signals
from launcher.parts import OWN_VARIABLES, Roof, keeper_over, scheduler_settings, worker_settings
from launcher.secrets_file import fault_of
from launcher.settled import settle
from settings import Settings
from supervisor.places import MX, SCHEDULER, WORKER, process_of
from system import logs
from system.context import DaemonProcess
from system.errors import ConfigError, HorariumError
from system.hidden import hide
from system.lanes import may_be_live
from system.processes import MARK_VARIABLE, stand_back

log = logging.getLogger(__name__)

def run_scheduler(roof: Roof) -> None:
    """Schedule until TERM or INT."""
    from launcher.watching import watching
    from scheduler.service import SchedulerService

    settings, context = roof.settings, roof.context
    with parts_once_there(roof) as parts, watching(roof, parts) as watch:
        service = SchedulerService(
            parts.store, parts.broker, context, roof.clock, scheduler_settings(settings), settings.box,
            keeper=keeper_over(settings, parts.store, roof.clock), watch=watch,
        )
        service.after_load = settle
        _stop_by_signal(service.stop)
        service.run()


def run_worker(roof: Roof) -> None:
    """Work until TERM or INT."""
    from launcher.watching import watching
    from workers.oldoutput import OldOutput
    from workers.processes import ProcessSlots
    from workers.service import WorkerService
    from workers.vault import Vault

    settings, context, figures = roof.settings, roof.context, worker_settings(roof.settings)
    warn_of_secrets(settings)
    # The slots come first: their forkserver must start before any thread or connection.
    slots = ProcessSlots(
        figures.slots, user_folder=Path(context.folder), output_folder=settings.folder / "output", clock=roof.clock,
        uows_per_slot=figures.uows_per_slot, output_limit_bytes=figures.output_limit_bytes, end_grace_s=figures.end_grace_s,
        mark=os.environ[MARK_VARIABLE], vault=Vault(settings.secrets_file, os.environ),
        kept_for_live=figures.kept_for_live if may_be_live(context, roof.clock.now()) else 0,
    )
    old_output = OldOutput(settings.folder / "output", settings.keep_output_days, roof.clock)
    try:
        with parts_once_there(roof) as parts, watching(roof, parts) as watch:
            old_output.start()
            service = WorkerService(parts.store, parts.broker, slots, context, roof.clock, figures, settings.box, watch)
            _stop_by_signal(service.stop)
            service.run()
    finally:
        old_output.stop()
        slots.close()


def warn_of_secrets(settings: Settings) -> None:
    """Log what is wrong with the secrets file. Jobs that ask for nothing of it run all the same, and it is read again once mended."""
    if fault := fault_of(settings):
        log.error("jobs that ask for a secret or a connection will fail: %s", fault, extra={"action": "bad_secrets_file"})


def run_supervisor(roof: Roof) -> None:
    """Keep this box's processes alive until TERM or INT. It must be the only one over its folder."""
    from launcher.box import begin, supervisor_over  # late: nobody else needs a supervisor, and everyone's start is paid for
    from launcher.watching import watching

    var = roof.settings.folder
    roof.context  # noqa: B018  read for its faults
    with only_one(lock_path(var), DAEMON), named(var, SUPERVISOR, DAEMON), ExitStack() as stack:
        refuse_beside(var)
        try:
            with stopped_by_signals():
                parts = stack.enter_context(parts_once_there(roof, begin=lambda parts: begin(roof, parts)))
        except AskedToStop:
            return
        service = supervisor_over(roof, parts, stack.enter_context(watching(roof, parts)))
        _stop_by_signal(service.stop)
        service.run()


def run_mx(roof: Roof) -> None:
    """Serve the dashboard until TERM or INT."""
    stand_back()  # before all that is to be read for a web server
    from launcher.web.server import serve

    serve(roof)


KINDS: dict[str, Callable[[Roof], None]] = {SCHEDULER: run_scheduler, WORKER: run_worker, MX: run_mx, SUPERVISOR: run_supervisor}


def runner(roof: Roof, name: str) -> Callable[[Roof], None]:
    """Return what runs under `name`; raises NoSuchProcess that lists what there is, ConfigError for a faulty context."""
    process = process_of(name)
    if process in KINDS:
        return KINDS[process]
    kept = {entry.name: entry for entry in roof.context.processes if isinstance(entry, DaemonProcess)}
    if process not in kept:
        raise NoSuchProcess(f"there is no process {name!r}: NAME is one of {', '.join([*KINDS, *kept])} (or such as worker.2)")
    return lambda roof: run_kept(roof, kept[process], name)


class NoSuchProcess(ConfigError):
    """Nothing runs under that name."""


@dataclass(frozen=True)
class Given:
    """The command line: which process, whether its log goes to the terminal too, and for a daemon whom to tell of its end (else -1)."""

    name: str
    is_console: bool = False
    ear: int = -1

    def complain(self, text: str) -> None:
        """Say what went wrong, to whoever listens."""
        sys.stderr.write(text)
        with suppress(OSError):
            if self.ear >= 0:
                os.write(self.ear, text.encode())


def given_by(argv: Sequence[str]) -> Given | None:
    """Return what a command line asks for, None where it can't be read."""
    match list(argv):
        case [name] if not name.startswith("-"):
            return Given(name)
        case [name, "--console"]:
            return Given(name, is_console=True)
        case [name, "--daemon", ear] if ear.isdigit():
            return Given(name, ear=int(ear))
    return None


def main(argv: Sequence[str] | None = None) -> int:
    """Run one process until it is told to stop; returns its exit code."""
    given = given_by(sys.argv[1:] if argv is None else argv)
    if given is None:
        sys.stderr.write(f"usage: process_starter.py NAME [--console], NAME being one of {', '.join(KINDS)}, or a daemon of the context\n")
        return 2
    logs.quiet()
    try:
        return _run(given, Roof())
    except HorariumError as error:
        log.error("%s ends: %s", given.name, error)  # noqa: TRY400  the error says it all
        given.complain(f"error: {hide(str(error))}\n")
        return 2 if isinstance(error, NoSuchProcess) else 1
    except KeyboardInterrupt:
        return 1
    except Exception:  # the edge of the process: what it was is in the log, and the supervisor starts it anew
        log.exception("%s ends by an error that nobody foresaw", given.name)
        given.complain(f"error: {given.name} ended by an error that nobody foresaw; see its log\n")
        return 1


def _run(given: Given, roof: Roof) -> int:
    run, settings, name = runner(roof, given.name), roof.settings, given.name
    folder = settings.folder / "log"
    # What a supervisor started is named by its file in run/; the supervisor names itself, once it knows that it is the only one.
    is_single = name != SUPERVISOR and (given.ear >= 0 or given.is_console)
    if is_single and (other := running(settings.folder, name)):
        raise ConfigError(f"{name} runs already, pid {other.pid}: two of one name would write one log; start another one, such as {name}.9")
    if given.ear >= 0:
        from system import daemons

        daemons.detach(folder / f"{name}.out", keep=[given.ear])
    logs.set_up(name, folder, max_bytes=settings.log_bytes, count=settings.log_count, console=given.is_console)
    if MARK_VARIABLE not in os.environ:
        from supervisor.local_crew import mark_by_hand  # late, as it is in `run_supervisor`

        os.environ[MARK_VARIABLE] = mark_by_hand(settings.folder)
    for variable in OWN_VARIABLES:  # of whoever starts this without the launcher: an engine of containers, systemd
        os.environ.pop(variable, None)
    log.info("%s starts, pid %d", name, os.getpid(), extra={"action": "starts"})
    with single(settings.folder, name) if is_single else nullcontext():
        run(roof)
    log.info("%s has stopped", name, extra={"action": "stopped"})
    return 0


def _stop_by_signal(stop: Callable[[], None]) -> None:
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):  # HUP: the terminal of `start --console` was closed
        if signum != signal.SIGHUP or signal.getsignal(signum) != signal.SIG_IGN:  # `nohup` asked to outlive it
            signal.signal(signum, lambda *_: stop())


if __name__ == "__main__":
    sys.exit(main())
