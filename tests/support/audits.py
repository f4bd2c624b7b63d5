"""How does a test ask for an audit? The whole range of a context, over a store that is in the same process."""

from __future__ import annotations

from db.store import Store
from mq.memory import MemoryBroker
from scheduler.audit import Finding
from scheduler.audit_range import RangeAudit
from scheduler.desk import Desk
from scheduler.policy import SchedulerSettings
from system.clock import Clock
from system.context import Context


def audited(store: Store, context: Context, clock: Clock, settings: SchedulerSettings) -> list[Finding]:
    """Return all that an audit of everything finds."""
    desk, now = Desk(store, MemoryBroker(), context, clock, settings), clock.now()
    audit = RangeAudit(desk, store, context, settings)
    return audit.look(audit.spans(context.managed, None, None, now), now).findings


def kinds(found: list[Finding]) -> list[tuple[str, str, str]]:
    """Return findings by process, period and kind alone."""
    return [(each.process, each.timeperiod, each.kind) for each in found]
