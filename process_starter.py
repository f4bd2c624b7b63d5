"""How does one process of the system start? `python process_starter.py NAME`, NAME being `scheduler`, `worker` or a daemon of the context.

A number may follow: `worker.2`, `poller.2`. The supervisor starts its children so; a person may start one more by hand. Exit codes:
0 stopped as asked, 1 refused or failed, 2 usage.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain, repeat
from pathlib import Path

from launcher.kept import run_kept
from launcher.parts import Joined, Roof, open_parts, scheduler_settings, worker_settings
from supervisor.local_crew import mark_by_hand
from supervisor.places import process_of
from system import logs
from system.context import DaemonProcess
from system.errors import ConfigError, HorariumError, Unavailable
from system.hidden import hide
from system.processes import MARK_VARIABLE

log = logging.getLogger(__name__)

_WAITS_S = (0.2, 0.5, 1.0, 2.0)


def run_scheduler(roof: Roof) -> None:
    """Schedule until TERM or INT."""
    from scheduler.service import SchedulerService

    settings = roof.settings
    with _parts_once_there(roof) as parts:
        service = SchedulerService(
            parts.store, parts.broker, roof.context, roof.clock, scheduler_settings(settings), settings.box
        )
        _stop_by_signal(service.stop)
        service.run()


def run_worker(roof: Roof) -> None:
    """Work until TERM or INT."""
    from workers.processes import ProcessSlots
    from workers.service import WorkerService

    settings, context, figures = roof.settings, roof.context, worker_settings(roof.settings)
    # The slots come first: their forkserver must start before any thread or connection.
    slots = ProcessSlots(
        figures.slots, user_folder=Path(context.folder), output_folder=settings.folder / "output", clock=roof.clock,
        uows_per_slot=figures.uows_per_slot, output_limit_bytes=figures.output_limit_bytes, end_grace_s=figures.end_grace_s,
        mark=os.environ[MARK_VARIABLE],
    )
    try:
        with _parts_once_there(roof) as parts:
            service = WorkerService(parts.store, parts.broker, slots, context, roof.clock, figures, settings.box)
            _stop_by_signal(service.stop)
            service.run()
    finally:
        slots.close()


@contextmanager
def _parts_once_there(roof: Roof) -> Iterator[Joined]:
    """Open store and broker, later where they are away just now: to end would look like a crash, and a full disk is none."""
    with ExitStack() as stack:
        for wait_s in chain(_WAITS_S, repeat(_WAITS_S[-1])):
            try:
                parts = stack.enter_context(open_parts(roof.settings))
                break
            except Unavailable as error:
                log.warning("nothing can start yet, trying again in %.1f s: %s", wait_s, error, extra={"action": "store_away"})
                roof.clock.sleep(wait_s)
        yield parts


KINDS: dict[str, Callable[[Roof], None]] = {"scheduler": run_scheduler, "worker": run_worker}


def runner(roof: Roof, name: str) -> Callable[[Roof], None]:
    """Return what runs under `name`; raises NoSuchProcess that lists what there is, ConfigError for a faulty context."""
    process = process_of(name)
    if process in KINDS:
        return KINDS[process]
    daemons = {entry.name: entry for entry in roof.context.processes if isinstance(entry, DaemonProcess)}
    if process not in daemons:
        raise NoSuchProcess(f"there is no process {name!r}: NAME is one of {', '.join([*KINDS, *daemons])} (or such as worker.2)")
    return lambda roof: run_kept(roof, daemons[process], name)


class NoSuchProcess(ConfigError):
    """Nothing runs under that name."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one process until it is told to stop; returns its exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    if len(given) != 1 or given[0].startswith("-"):
        sys.stderr.write(f"usage: process_starter.py NAME, NAME being one of {', '.join(KINDS)}, or a daemon of the context\n")
        return 2
    name, roof = given[0], Roof()
    logs.quiet()
    try:
        run = runner(roof, name)
        logs.set_up(name, roof.settings.folder / "log", max_bytes=roof.settings.log_bytes, count=roof.settings.log_count)
        os.environ.setdefault(MARK_VARIABLE, mark_by_hand(roof.settings.folder))
        log.info("%s starts, pid %d", name, os.getpid(), extra={"action": "starts"})
        run(roof)
    except HorariumError as error:
        log.error("%s ends: %s", name, error)  # noqa: TRY400  the error says it all
        sys.stderr.write(f"error: {hide(str(error))}\n")
        return 2 if isinstance(error, NoSuchProcess) else 1
    except KeyboardInterrupt:
        return 1
    except Exception:  # the edge of the process: what it was is in the log, and the supervisor starts it anew
        log.exception("%s ends by an error that nobody foresaw", name)
        sys.stderr.write(f"error: {name} ended by an error that nobody foresaw; see its log\n")
        return 1
    log.info("%s has stopped", name, extra={"action": "stopped"})
    return 0


def _stop_by_signal(stop: Callable[[], None]) -> None:
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop())


if __name__ == "__main__":
    sys.exit(main())
