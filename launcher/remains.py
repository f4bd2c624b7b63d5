"""What still runs of this box though nobody keeps it? Ends it in order, as a supervisor would that adopted it and was told to stop."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from db.memory import MemoryStore
from launcher.alone import lock_path, only_one
from launcher.parts import Joined, Roof, open_parts
from mq.memory import MemoryBroker
from supervisor.calls import CallThreads
from supervisor.keeper import Keeper
from supervisor.local_crew import LocalCrew, folder_id, is_by_hand
from supervisor.service import SupervisorService
from system import processes
from system.clock import RealClock
from system.context import REPORT_QUEUE
from system.errors import HorariumError

log = logging.getLogger(__name__)


def end_the_rest(roof: Roof) -> int:
    """End what a supervisor that is gone left running, close its sessions, and return how many processes it was."""
    settings = roof.settings
    mine = f"{folder_id(settings.folder)}."
    left = [who for who, mark in processes.all_marked() if mark.startswith(mine) and not is_by_hand(mark)]
    if not left:
        return 0
    with only_one(lock_path(settings.folder)), _parts(roof) as parts:
        crew = LocalCrew(settings.folder, lambda _: (), {})
        keeper = Keeper((), crew, parts.store, parts.broker, settings.box, grace_s=settings.stop_grace_s, calls=CallThreads(crew.wake))
        service = SupervisorService(keeper, crew, RealClock())
        service.stop()
        service.run()
    return len(left)


@contextmanager
def _parts(roof: Roof) -> Iterator[Joined]:
    """Open the store, so that sessions of the dead are closed; where it can't be, their leases run out without us."""
    try:
        opened = open_parts(roof.settings)
        parts = opened.__enter__()
    except HorariumError as error:
        log.warning("what is ended now can't be told to the store: %s", error)
        broker = MemoryBroker()
        broker.declare([REPORT_QUEUE])
        yield Joined(MemoryStore(), broker)
        return
    try:
        yield parts
    finally:
        opened.__exit__(None, None, None)
