"""What does this box keep alive? The supervisor over it, joined from its parts; by `launch.py up` and by the daemon alike."""

from __future__ import annotations

import os
import sys

from launcher.parts import ROOT, Joined, Roof, fingerprint
from scheduler.registry import fit, read_registered
from supervisor.attendance import Attendance
from supervisor.calls import CallThreads
from supervisor.keeper import Keeper
from supervisor.local_crew import LocalCrew
from supervisor.places import Place, Placement
from supervisor.service import SupervisorService
from system.context import REPORT_QUEUE
from system.errors import ConfigError
from system.lanes import managed_queues


def places(roof: Roof, box: str = "") -> tuple[Place, ...]:
    """Return what belongs on a box, on this one unless another is named; raises ConfigError."""
    settings = roof.settings
    return Placement(roof.context, settings.scheduler_boxes, settings.workers).on(box or settings.box)


def begin(roof: Roof, parts: Joined) -> None:
    """Declare queues; raises ConfigError where the context does not fit what is registered."""
    parts.broker.declare([REPORT_QUEUE, *managed_queues(roof.context)])
    found = fit(read_registered(parts.store), roof.context, roof.settings.timetable_start, roof.clock.now(), 0)
    if found.refusal:
        raise ConfigError(found.refusal, tuple(map(str, found.changes)))


def supervisor_over(roof: Roof, parts: Joined) -> SupervisorService:
    """Return the supervisor of this box, ready to run."""
    settings = roof.settings
    starter = ROOT / "process_starter.py"
    crew = LocalCrew(
        settings.folder,
        lambda name: [sys.executable, str(starter), name],
        {**os.environ, **settings.environ()},
        fingerprint=fingerprint(settings, roof.context),
        log_bytes=settings.log_bytes,
    )
    keeper = Keeper(None, crew, parts.store, parts.broker, settings.box, grace_s=settings.stop_grace_s, calls=CallThreads(crew.wake))
    attendance = Attendance(parts.store, roof.clock, keeper, places(roof), settings.box, beat_s=settings.beat_s, wake=crew.wake)
    return SupervisorService(keeper, crew, roof.clock, attendance)
