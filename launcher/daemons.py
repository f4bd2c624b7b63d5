"""How does a box run by itself? `launch.py start`, `stop` and `query`: daemons, each named by a pid file with its time of creation."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from launcher import named
from launcher.alone import SUPERVISOR, UP, lock_path, only_one, pid_path, refuse_beside, running, singles, starting
from launcher.box import begin
from launcher.once_there import waiting_for
from launcher.parts import ROOT, Roof, make_writable, open_parts
from launcher.remains import end_the_rest
from launcher.say import say
from launcher.screen import json_option, show_json
from supervisor.local_crew import run_folder
from supervisor.places import MX, SCHEDULER, WORKER, process_of
from system import logs, processes
from system.clock import RealClock
from system.context import DaemonProcess
from system.errors import ConfigError, Unavailable
from system.processes import MARK_VARIABLE, Identity, PidFile

_CLOCK = RealClock()  # processes live by the machine's time, also in a trial
_LOOK_S = 0.05
_START_WITHIN_S = 30.0
_KILLED_WITHIN_S = 5.0  # one that hangs in the kernel dies of no kill


@click.command("start")
@click.argument("name", metavar="[NAME]", default=SUPERVISOR)
@click.option("--console", "is_console", is_flag=True, help="Stay in this terminal, with the log on it; Ctrl-C stops.")
@json_option
@click.pass_obj
def start_command(roof: Roof, name: str, *, is_console: bool, as_json: bool) -> int:
    """Start this box as a daemon.

    That is its supervisor, which keeps the scheduler, the workers and the daemons of the context. NAME starts only that one, without a
    supervisor: scheduler, worker, worker.2 or a daemon of the context.
    """
    settings = roof.settings
    _check_name(roof, name)
    make_writable(settings.folder)
    with starting(settings.folder, name):
        return _start(roof, name, is_console=is_console, as_json=as_json)


def _start(roof: Roof, name: str, *, is_console: bool, as_json: bool) -> int:
    settings = roof.settings
    _refuse_twice(settings.folder, name)
    warning = _prepare(roof)
    environ = roof.child_environ()
    environ.pop(MARK_VARIABLE, None)  # started from within a job, it would be taken for a leftover of that
    call = [sys.executable, str(ROOT / "process_starter.py"), name]
    if is_console:
        sys.stdout.flush()
        os.execve(call[0], [*call, "--console"], environ)  # noqa: S606  no shell is wanted
    who = _detached(call, environ, settings.folder, name)
    if as_json:
        show_json({"name": name, "pid": who.pid, "log": str(_log_of(roof, name)), "warning": warning})
        return 0
    say(f"started {name}, pid {who.pid}; its log: {_log_of(roof, name)}")
    if warning:
        say(f"! {warning}", err=True)
    say("next: launch.py query shows what runs; launch.py status how far it is; launch.py stop ends it")
    return 0


def _check_name(roof: Roof, name: str) -> None:
    daemons = [entry.name for entry in roof.context.processes if isinstance(entry, DaemonProcess)]
    known = [SUPERVISOR, SCHEDULER, WORKER, MX, *daemons]
    if process_of(name) not in known or (process_of(name) == SUPERVISOR and name != SUPERVISOR):
        raise named.BadName(f"there is no process {name!r} to start; there are {', '.join(known)} (or such as worker.2)")


def _refuse_twice(var: Path, name: str) -> None:
    """Refuse what runs already: two of one name would write one log."""
    found = running(var, name)
    if found:
        how = "by `launch.py up`" if found.mark == UP else "as a daemon"
        raise ConfigError(f"{name} runs already, {how}, pid {found.pid}: `launch.py stop` ends it, `launch.py query` shows all")
    if name == SUPERVISOR:
        with only_one(lock_path(var)):
            pass
        refuse_beside(var)
        return
    kept = processes.read_pid_file(run_folder(var) / f"{name}.pid")
    if kept and processes.is_alive(kept.identity):
        raise ConfigError(f"{name} is kept by this box's supervisor, pid {kept.pid}: start another instance, such as {name}.9")


def _prepare(roof: Roof) -> str:
    """Find out in the terminal what would end the daemon; returns a warning where it will have to wait for store or broker."""
    try:
        with open_parts(roof.settings) as parts:
            begin(roof, parts)
    except Unavailable as error:
        return waiting_for(error)
    return ""


def _detached(call: Sequence[str], environ: dict[str, str], var: Path, name: str) -> PidFile:
    """Start a daemon and return who it is once it has named itself; raises ConfigError with what it said before it ended."""
    ear, mouth = os.pipe()
    with os.fdopen(ear, "rb", buffering=0) as said:
        try:
            subprocess.run([*call, "--daemon", str(mouth)], env=environ, stdin=subprocess.DEVNULL, pass_fds=(mouth,), check=False)
        finally:
            os.close(mouth)
        until_s = _CLOCK.monotonic() + _START_WITHIN_S
        words = b""
        while _CLOCK.monotonic() < until_s:
            if found := running(var, name):
                return found
            if select.select([said], [], [], _LOOK_S)[0]:
                words += (piece := said.read(4096) or b"")
                if not piece:
                    break
    text = words.decode(errors="replace").strip().removeprefix("error: ")
    raise ConfigError(text or f"{name} did not start; it last said: {' / '.join(logs.tail(var / 'log' / f'{name}.out', 3)) or 'nothing'}")


def _log_of(roof: Roof, name: str) -> Path:
    return logs.log_path(roof.settings.folder / "log", name)


@click.command("stop")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@json_option
@click.pass_obj
def stop_command(roof: Roof, names: tuple[str, ...], *, as_json: bool) -> int:
    """Stop what runs on this box, in order: jobs that run may end first.

    Daemons that `start` started, an `up`, and what a killed supervisor left running. NAME stops only that daemon.
    """
    settings = roof.settings
    var = settings.folder
    known = singles(var)
    unknown = [name for name in names if name not in known]
    if unknown:
        there = f"there are {', '.join(known)}" if known else "nothing was started by `launch.py start`"
        raise named.BadName(f"no daemon is called {unknown[0]!r}: {there}; `launch.py super --stop` is for what a supervisor keeps")
    # Asked for the end of all three kinds of its processes, one after the other, a supervisor takes so long at the most.
    patience_s = 4 * settings.stop_grace_s + 10
    done = [_stop_one(var, name, patience_s, is_quiet=as_json) for name in (names or known)]
    stopped = [found for found in done if found]
    rest = 0 if names else end_the_rest(roof)
    if as_json:
        show_json({"stopped": stopped, "rest": rest})
    elif rest:
        say(f"ended {rest} process{'' if rest == 1 else 'es'} that a supervisor had left running")
    elif not stopped:
        say("nothing runs on this box")
    return 0


def _stop_one(var: Path, name: str, patience_s: float, *, is_quiet: bool) -> dict[str, object] | None:
    """End one daemon and return what was done, None where it does not run; raises ConfigError where it is not ours to end."""
    who = running(var, name)
    if who is None:
        pid_path(var, name).unlink(missing_ok=True)  # it names nobody, or a stranger by now
        return None
    with _watched(who.identity) as ended:
        if not processes.send_signal(who.identity, signal.SIGTERM) and processes.is_alive(who.identity):
            raise ConfigError(f"{name} (pid {who.pid}) belongs to another user: stop it as that user, or as root")
        if not is_quiet:
            say(f"stopping {name}, pid {who.pid} ...")
        ended(patience_s)
        is_killed = processes.end(who.identity)
        if is_killed:
            ended(_KILLED_WITHIN_S)
    if not is_quiet:
        say(f"killed {name}: it did not end within {patience_s:g} s" if is_killed else f"{name} has stopped")
    pid_path(var, name).unlink(missing_ok=True)
    return {"name": name, "pid": who.pid, "killed": is_killed}


@contextmanager
def _watched(identity: Identity) -> Iterator[Callable[[float], None]]:
    """Hand out what waits, up to some seconds, until a process is gone with all that it held: another may take its lock then."""
    descriptor = processes.watch(identity)

    def wait(seconds: float) -> None:
        until_s = _CLOCK.monotonic() + seconds
        if descriptor is not None:
            select.select([descriptor], [], [], seconds)
        while descriptor is None and processes.is_alive(identity) and _CLOCK.monotonic() < until_s:
            _CLOCK.sleep(_LOOK_S)

    try:
        yield wait
    finally:
        if descriptor is not None:
            os.close(descriptor)
