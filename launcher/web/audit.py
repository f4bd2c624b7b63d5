"""Is everything there that should be? What the leader counted, and looks at ranges that go on beside what is asked."""

from __future__ import annotations

from datetime import datetime

from launcher.parts import scheduler_settings
from launcher.web.area import Area
from launcher.web.asked import asked
from launcher.web.audit_looks import MOST_FINDINGS, Look, Looks
from launcher.web.parts import WebParts
from mx.models.audit import AuditCount, AuditLook
from scheduler.audit_count import counted
from scheduler.audit_range import RangeAudit
from system.errors import NotFound

_PATIENCE_S = 0.7


class AuditArea(Area):
    """Answers the audit of `mx.desk_overview.OverviewDesk`."""

    def __init__(self, parts: WebParts) -> None:
        super().__init__(parts)
        self._audit_looks = Looks(self.now)
        parts.before_close.append(self._audit_looks.close)
        parts.when_replaced.append(self._audit_looks.forget)

    @asked
    def audit_count(self) -> AuditCount | None:
        """Return what the leader counted last."""
        health = self.parts.desk.health()
        facts = next((session.facts for session in health.sessions if session.id == health.leader), {})
        found = counted(facts)
        if found is None:
            return None
        late = sum(each.count for each in self.parts.desk.late(0))
        return AuditCount(at=found.at, since=found.since, finished=found.finished, counts=dict(found.counts), late=late, first=found.first)

    def audit_look(
        self, process: str = "", low: datetime | None = None, high: datetime | None = None, *, anew: bool = False, most: int = 200
    ) -> AuditLook:
        """Begin to look at the records of a range, or return how far that is; a short look is waited for."""
        look = self._audit_begun(process, low, high, anew=anew)
        look.done.wait(_PATIENCE_S)  # here, so that nobody else waits for it
        return look.shown(min(most, MOST_FINDINGS))

    @asked
    def _audit_begun(self, process: str, low: datetime | None, high: datetime | None, *, anew: bool) -> Look:
        context = self.parts.context
        if process and process not in context.managed:
            raise NotFound(f"there is no managed process {process!r}")
        names = [process] if process else list(context.managed)
        # A desk of its own: it is not for several threads.
        desk, store = self.parts.roof.desk_over(self.parts.joined), self.parts.store
        auditor = RangeAudit(desk, store, context, scheduler_settings(self.parts.roof.settings))
        return self._audit_looks.look((process, low, high), names, auditor, anew=anew)
