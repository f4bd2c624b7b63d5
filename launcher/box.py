"""What does this box keep alive? The supervisor over it, joined from its parts; by `launch.py up` and by the daemon alike."""

from __future__ import annotations

import sys

from launcher.parts import ROOT, Joined, Roof, fingerprint
from launcher.web.address import NONE
from scheduler.registry import fit, read_registered
from settings import Settings
from supervisor.attendance import Attendance, Moved
from supervisor.calls import CallThreads
from supervisor.keeper import Keeper
from supervisor.local_crew import LocalCrew
from supervisor.places import Place, Placement
from supervisor.service import SupervisorService
from system.context import REPORT_QUEUE, Context, DaemonProcess
from system.context_watch import ContextWatch
from system.errors import ConfigError
from system.lanes import managed_queues


def places(roof: Roof, box: str = "") -> tuple[Place, ...]:
    """Return what belongs on a box, on this one unless another is named; raises ConfigError."""
    settings = roof.settings
    return placement(settings, roof.context).on(box or settings.box)


def placement(settings: Settings, context: Context) -> Placement:
    """Return what a deployment says of its boxes."""
    return Placement(context, settings.scheduler_boxes, settings.workers, has_mx=settings.mx_listen != NONE)


def begin(roof: Roof, parts: Joined) -> None:
    """Declare queues; raises ConfigError where the context does not fit what is registered."""
    parts.broker.declare([REPORT_QUEUE, *managed_queues(roof.context)])
    found = fit(read_registered(parts.store), roof.context, roof.settings.timetable_start, roof.clock.now(), 0)
    if found.refusal:
        raise ConfigError(found.refusal, tuple(map(str, found.changes)))


def supervisor_over(roof: Roof, parts: Joined, watch: ContextWatch) -> SupervisorService:
    """Return the supervisor of this box, ready to run. It takes up what `watch` hands out."""
    settings = roof.settings
    starter = ROOT / "process_starter.py"
    crew = LocalCrew(
        settings.folder,
        lambda name: [sys.executable, str(starter), name],
        roof.child_environ(),
        fingerprint=fingerprint(settings, roof.context),
        log_bytes=settings.log_bytes,
    )
    keeper = Keeper(None, crew, parts.store, parts.broker, settings.box, grace_s=settings.stop_grace_s, calls=CallThreads(crew.wake))
    attendance = Attendance(
        parts.store, roof.clock, keeper, places(roof), settings.box, beat_s=settings.beat_s, wake=crew.wake,
        moved=Moves(roof, crew, watch).next,
    )  # fmt: skip
    return SupervisorService(keeper, crew, roof.clock, attendance)


class Moves:
    """What a changed context moves on this box. Schedulers and workers take it up by themselves, changed daemons are started anew."""

    def __init__(self, roof: Roof, crew: LocalCrew, watch: ContextWatch) -> None:
        self._settings, self._context, self._crew, self._watch = roof.settings, roof.context, crew, watch

    def next(self) -> Moved | None:
        """Return what belongs here from now on, None where nothing has changed."""
        context = self._watch.take()
        if context is None:
            return None
        before, now = _daemons(self._context), _daemons(context)
        self._context = context
        self._crew.take_up(fingerprint(self._settings, context))
        placed = placement(self._settings, context).on(self._settings.box)
        return Moved(placed, frozenset(name for name, entry in now.items() if name in before and before[name] != entry))


def _daemons(context: Context) -> dict[str, DaemonProcess]:
    return {entry.name: entry for entry in context.processes if isinstance(entry, DaemonProcess)}
