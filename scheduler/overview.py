"""How does the whole stand, on one screen? Answered out of what a desk has read, and at most a bounded number of further records."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from db.store import Store
from mq.broker import Broker
from scheduler.attention import Needs, Running, needs, of_audit, of_broker, of_entries, of_queues, running, under_way
from scheduler.audit_count import Counted, counted
from scheduler.desk import Desk
from scheduler.health import BROKER_FACT, Health, stall_of
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
    """What a status shows beside health and progress. `looked_at` units of work were asked for whether they run, the oldest ones.

    `broker_fault` says why messages don't go, empty where they do; `queues` may be incomplete while it is there.
    """

    needs: Needs
    watermarks: list[Watermark]
    running: list[Running]
    looked_at: int
    queues: list[QueueDepth]
    window: int
    retired: list[Retired]
    audit: Counted | None = None
    broker_fault: str = ""


def overview(
    desk: Desk, store: Store, broker: Broker, queues: list[str], settings: SchedulerSettings, now: datetime, *, most: int = _MOST_NEEDS
) -> Overview:
    """Return how all stands; cost grows with what is under way and the bytes of the timetable, never with history."""
    table, health = desk.read(), desk.health()
    sessions = {session.id: session for session in health.sessions}
    ids = under_way(table, _MOST_UOWS)
    audit = counted(sessions[health.leader].facts) if health.leader else None
    queued, fault = _depths(broker, queues)
    fault = fault or told_of_broker(health)
    fires = [entry.uow_id(run.fire) for entry in desk.entries() for run in entry.runs if not run.held][:_MOST_UOWS]
    uows = store.uows([*ids, *fires])
    more = [*of_broker(fault), *of_queues(uows, health.sessions), *of_audit(audit), *of_entries(desk.entries(), now)]
    return Overview(
        needs(table, health.sessions, stall_of(health, settings.stalled_after_s), most, more),
        desk.watermarks(),
        running(uows, sessions),
        len(uows),
        queued,
        max(settings.window_least, settings.window_per_slot * sum(s.slots for s in health.sessions if s.kind == "worker")),
        [Retired(row.name, row.retired_at) for row in retired(table.registered.values(), table.states)],
        audit,
        fault,
    )


def broker_fault(broker: Broker, health: Health) -> str:
    """Return why messages don't go, as far as this process or the leader knows without asking the broker; empty where they do."""
    return _depths(broker, [])[1] or told_of_broker(health)


def told_of_broker(health: Health) -> str:
    """Return why the leader can't publish, by its own word; empty where it can."""
    return next((session.facts.get(BROKER_FACT, "") for session in health.sessions if session.id == health.leader), "")


def _depths(broker: Broker, queues: list[str]) -> tuple[list[QueueDepth], str]:
    """Return the queues that hold something, and why that is not known; none then."""
    try:
        found = broker.depths(queues)
    except (BrokerError, Unavailable) as error:
        log.debug("could not ask for the depth of the queues: %s", error)
        return [], str(error)
    return [QueueDepth(queue, depth) for queue in queues if (depth := found.get(queue, 0))], ""
