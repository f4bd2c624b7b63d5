"""What does the sweep look at, and where does it send what waits?"""

from __future__ import annotations

from collections.abc import Sequence

from db.memory import MemoryStore
from db.model import UnitOfWork
from scheduler.engine import Engine
from system.lifecycle import UowEvent
from tests.support.lamp import Lamp, context, january


class Asked(MemoryStore):
    """A store that remembers how many units of work were asked for at once."""

    most = 0

    def uows(self, ids: Sequence[str]) -> list[UnitOfWork]:
        self.most = max(self.most, len(ids))
        return super().uows(ids)


def test_what_failed_and_waits_for_its_time_costs_a_sweep_nothing() -> None:
    store = Asked()
    lamp = Lamp(january(("hourly",), days=10, backoff_s=800.0), store=store)
    for _ in range(3):
        lamp.turn(2)
        lamp.work(*lamp.requested(), event=UowEvent.FAILED)
    lamp.turn(2)
    store.most = 0
    lamp.sweep()
    assert store.most == 0


def test_what_was_requested_in_a_queue_of_another_name_is_sent_where_workers_listen_now() -> None:
    lamp = Lamp(january(("hourly",), end="2013010102"))
    lamp.turn()
    lamp.store.close_sessions(["scheduler-1"])
    lamp.broker.declare(["fast", "fast_backfill"])
    lamp.open_session("scheduler-2", kind="scheduler")
    renamed = context(january(("hourly",), end="2013010102", queue="fast"))
    lamp.engine = Engine(lamp.store, lamp.broker, renamed, lamp.clock, lamp.settings, session="scheduler-2")
    lamp.turn(2)
    lamp.sweep()
    assert lamp.broker.depths(["fast_backfill"]) == {"fast_backfill": 2}
