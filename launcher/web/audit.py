"""Is everything there that should be? What the leader counted, and looks at ranges that go on beside what is asked."""

from __future__ import annotations

from datetime import datetime

from launcher.parts import scheduler_settings
from launcher.web.area import Area
from launcher.web.asked import asked
from launcher.web.audit_looks import MOST_FINDINGS, Looks
from launcher.web.parts import WebParts
from mx.models.audit import AuditCount, AuditLook
from scheduler.audit_count import counted
from scheduler.audit_range import RangeAudit
from system.errors import NotFound


class AuditArea(Area):
    """Answers the audit of `mx.desk_overview.OverviewDesk`."""

    def __init__(self, parts: WebParts) -> None:
        super().__init__(parts)
        self._audit_looks = Looks(self.now)
        parts.before_close.append(self._audit_looks.close)

    @asked
    def audit_count(self) -> AuditCount | None:
        """Return what the leader counted last."""
        health = self.parts.desk.health()
        facts = next((session.facts for session in health.sessions if session.id == health.leader), {})
        found = counted(facts)
        if found is None:
            return None
        return AuditCount(at=found.at, since=found.since, finished=found.finished, counts=dict(found.counts), first=found.first)

    @asked
    def audit_look(
        self, process: str = "", low: datetime | None = None, high: datetime | None = None, *, anew: bool = False, most: int = 200
    ) -> AuditLook:
        """Begin to look at the records of a range, or return how far that is."""
        context = self.parts.roof.context
        if process and process not in context.managed:
            raise NotFound(f"there is no managed process {process!r}")
        names = [process] if process else list(context.managed)
        # A desk of its own: it is not for several threads.
        desk, store = self.parts.roof.desk_over(self.parts.joined), self.parts.store
        auditor = RangeAudit(desk, store, context, scheduler_settings(self.parts.roof.settings))
        return self._audit_looks.look((process, low, high), names, auditor, anew=anew).shown(min(most, MOST_FINDINGS))
