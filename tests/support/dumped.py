"""How does a test restore a dump that holds a job and not its unit of work? By a store in memory that loses units of work."""

from __future__ import annotations

from db.memory import MemoryStore
from tests.support.lamp import Lamp


class Dumped(MemoryStore):
    """A store in memory whose units of work can be lost."""

    def lose(self, *ids: str) -> None:
        """Forget units of work, whoever has them."""
        for uow_id in ids:
            uow = self._uows.pop(uow_id)
            self._of_job[uow.process, uow.timeperiod].pop(uow_id)
            if uow.session:
                self._claims[uow.session].discard(uow_id)


def restored(lamp: Lamp, *lost: str) -> Lamp:
    """Let units of work be lost, and another scheduler lead that reads what is left."""
    assert isinstance(lamp.store, Dumped)
    lamp.store.lose(*lost)
    lamp.store.close_sessions(["scheduler-1"])
    lamp.engine = lamp.another_engine("scheduler-2")
    lamp.turn(2)
    return lamp
