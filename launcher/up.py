"""How does all of a box run in the foreground? `launch.py up`"""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from threading import Thread
from types import FrameType

import click
from rich.console import Console
from rich.live import Live

from launcher import boxes
from launcher.alone import SUPERVISOR, UP, lock_path, named, only_one, refuse_beside
from launcher.box import begin, supervisor_over
from launcher.boxes import box_lines
from launcher.once_there import AskedToStop, parts_once_there, stopped_by_signals
from launcher.paint import Bars, Lines, summary
from launcher.parts import Joined, Roof, make_writable, open_parts, scheduler_settings
from launcher.screen import console, show_json
from launcher.secrets_file import fault_of
from launcher.watch import Ending, Painter, Watch
from launcher.watching import watching
from launcher.web.first_link import shown_address
from scheduler.desk import Desk
from supervisor.service import SupervisorService
from system import logs
from system.errors import HorariumError

log = logging.getLogger(__name__)

_LOOK_LIVE_S, _LOOK_PLAIN_S = 0.2, 0.5


@click.command("up")
@click.option("--until-done", is_flag=True, help="End when nothing is left to do; exit code 1 where a person is needed.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout at the end; progress goes to stderr.")
@click.pass_obj
def up_command(roof: Roof, *, until_done: bool, as_json: bool) -> int:
    """Run all of this box in the foreground.

    That is its scheduler, its workers, and the supervisor over them. Ctrl-C stops it cleanly, Ctrl-C again kills it.
    """
    settings = roof.settings
    make_writable(settings.folder)
    with only_one(lock_path(settings.folder)), named(settings.folder, SUPERVISOR, UP):
        refuse_beside(settings.folder)
        logs.set_up("supervisor", settings.folder / "log", max_bytes=settings.log_bytes, count=settings.log_count)
        screen = console(stderr=as_json)
        roof.context  # noqa: B018  read for its faults
        with ExitStack() as stack:
            try:
                with stopped_by_signals():
                    parts = stack.enter_context(_begun(roof) if until_done else _begun_once_there(roof, screen))
            except AskedToStop:
                screen.print("stopped: nothing had begun yet")
                return 0
            service = supervisor_over(roof, parts, stack.enter_context(watching(roof, parts)))
            return Up(roof, parts, screen, service, until_done=until_done).run(as_json=as_json)


@contextmanager
def _begun(roof: Roof) -> Iterator[Joined]:
    """Open the parts; raises Unavailable where they are away: who waits for an end wants to know that it can't begin."""
    with open_parts(roof.settings) as parts:
        begin(roof, parts)
        yield parts


def _begun_once_there(roof: Roof, screen: Console) -> AbstractContextManager[Joined]:
    def say(text: str) -> None:
        screen.print(f"{text}; Ctrl-C stops", style="red", soft_wrap=True, markup=False)

    return parts_once_there(roof, begin=lambda parts: begin(roof, parts), say=say)


class Up:
    """One `up`: the supervisor in this thread, the watch in another."""

    def __init__(self, roof: Roof, parts: Joined, screen: Console, service: SupervisorService, *, until_done: bool) -> None:
        settings = self._settings = roof.settings
        self._screen, self._clock = screen, roof.clock
        self._service, self._store = service, parts.store
        self._desk = Desk(parts.store, parts.broker, roof.context, roof.clock, scheduler_settings(settings))
        self._until_done = until_done
        self._interrupts = 0
        self._watch: Watch | None = None

    def run(self, *, as_json: bool) -> int:
        """Run until stopped or done; returns the exit code."""
        workers = "1 worker" if self._settings.workers == 1 else f"{self._settings.workers} workers"
        self._screen.print(f"running scheduler and {workers}; Ctrl-C stops; logs in")
        self._screen.print(f"  {self._settings.folder / 'log'}", soft_wrap=True, markup=False)
        if fault := fault_of(self._settings):
            self._screen.print(f"jobs that ask for a secret or a connection will fail: {fault}", style="red", soft_wrap=True, markup=False)
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, self._on_signal)
        with self._painter() as (painter, period_s):
            watch = Watch(
                self._desk, self._service.views, painter, self._clock, until_done=self._until_done, boxes=self._boxes,
                address=self._address,
            )  # fmt: skip
            self._watch = watch
            thread = Thread(target=watch.run, args=(period_s, self._service.stop), name="watch", daemon=True)
            thread.start()
            self._service.run()
            watch.stop()
            thread.join()
        return self._conclude(watch, as_json=as_json)

    @contextmanager
    def _painter(self) -> Iterator[tuple[Painter, float]]:
        if self._screen.is_terminal:
            with Live(console=self._screen, auto_refresh=False, transient=False) as live:
                yield Bars(self._screen, live), _LOOK_LIVE_S
        else:
            yield Lines(self._screen, self._clock), _LOOK_PLAIN_S

    def _boxes(self) -> list[str]:
        """Return a line for each box, where there is a terminal that keeps them in sight."""
        return box_lines(boxes.read(self._store)) if self._screen.is_terminal else []

    def _address(self) -> str:
        return shown_address(self._settings, self._store)

    def _on_signal(self, signum: int, _frame: FrameType | None) -> None:
        """Stop in order; whoever presses Ctrl-C once more does not want to wait."""
        self._interrupts += 1
        if self._interrupts == 1:
            self._service.stop()
            if self._watch:
                self._watch.announce("stopping: jobs that run may end first; Ctrl-C again kills them")
        elif signum == signal.SIGINT:
            self._service.kill()

    def _conclude(self, watch: Watch, *, as_json: bool) -> int:
        try:
            sight = watch.look()
            totals = {**self._desk.totals(), "seconds": round(self._desk.seconds(), 3)}
        except HorariumError as error:
            self._screen.print(f"stopped; the store could not be read in the end: {error}", style="red", markup=False)
            return 1
        ending = watch.ending
        is_good = ending is None or ending.is_good
        facts = f"{totals['uows']:,} units of work, {totals['seconds']:,} s"
        how = ending.text if ending else summary(sight, is_over=True)
        self._screen.print(f"stopped: {how} ({facts})", soft_wrap=not self._screen.is_terminal, markup=False)
        if ending and not ending.is_good:
            self._say_what_to_do(ending)
        if as_json:
            show_json({"is_done": is_good and bool(sight.progress and sight.progress.is_done), "progress": sight.progress, **totals})
        return 0 if is_good else 1

    def _say_what_to_do(self, ending: Ending) -> None:
        for level in ending.levels:
            if level.held or level.failing:
                self._screen.print(f"  {level.process}: {level.held} held, {level.failing} failing", markup=False)
        if not ending.broken:
            self._screen.print("look: launch.py job why PROCESS PERIOD; mend it, then launch.py job release PROCESS PERIOD --why TEXT")
            return
        path = logs.log_path(self._settings.folder / "log", ending.broken)
        printed = path.with_suffix(".out")  # what it said before it had a log, or because it could not have one
        path, lines = next(((p, found) for p in (path, printed) if (found := logs.tail(p, 3))), (path, []))
        self._screen.print(f"look: {path}, which ends with", soft_wrap=True, markup=False)
        for line in lines:
            self._screen.print(f"  {line}", soft_wrap=True, markup=False)
