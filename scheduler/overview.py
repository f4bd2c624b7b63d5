"""How does the whole stand, on one screen? Answered out of what a desk has read, and at most a bounded number of further records."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from db.store import Store
from mq.broker import Broker
from scheduler.attention import Needs, Running, needs, of_audit, of_entries, running, under_way
from scheduler.audit_count import Counted, counted
from scheduler.desk import Desk
from scheduler.policy import SchedulerSettings
from scheduler.registry import retired
from scheduler.watermark import Watermark
from system.errors import BrokerError, Unavailable

log = logging.getLogger(__name__)
_MOST_UOWS, _MOST_NEEDS = 500, 8


@dataclass(frozen=True, slots=True)
class Retired:
    """A process that left the context. `since` is None where no scheduler has led without it yet."""

    process: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """How many messages wait in a queue."""

    queue: str
    depth: int


@dataclass(frozen=True, slots=True)
class Overview:
    """What a status shows beside health and progress. `looked_at` units of work were asked for whether they run, the oldest ones."""

    needs: Needs
    watermarks: list[Watermark]
    running: list[Running]
    looked_at: int
    queues: list[QueueDepth]
    window: int
    retired: list[Retired]
    audit: Counted | None = None


def overview(
    desk: Desk, store: Store, broker: Broker, queues: list[str], settings: SchedulerSettings, now: datetime, *, most: int = _MOST_NEEDS
) -> Overview:
    """Return how all stands; cost grows with what is under way and the bytes of the timetable, never with history."""
    table, health = desk.read(), desk.health()
    sessions = {session.id: session for session in health.sessions}
    ids = under_way(table, _MOST_UOWS)
    audit = counted(sessions[health.leader].facts) if health.leader else None
    more = [*of_audit(audit), *of_entries(desk.entries(), now)]
    return Overview(
        needs(table, health.sessions, health.leader, most, more),
        desk.watermarks(),
        running(store.uows(ids), sessions),
        len(ids),
        _depths(broker, queues),
        max(settings.window_least, settings.window_per_slot * sum(s.slots for s in health.sessions if s.kind == "worker")),
        [Retired(row.name, row.retired_at) for row in retired(table.registered.values(), table.states)],
        audit,
    )


def _depths(broker: Broker, queues: list[str]) -> list[QueueDepth]:
    """Return the queues that hold something; none where the broker is away, which says nothing of the timetable."""
    try:
        found = broker.depths(queues)
    except (BrokerError, Unavailable) as error:
        log.warning("could not ask for the depth of the queues: %s", error)
        return []
    return [QueueDepth(queue, depth) for queue in queues if (depth := found.get(queue, 0))]
