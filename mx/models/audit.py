"""Is everything there that should be, once, and in order? What the leader counts, and what a look at a range finds."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from mx.models.base import Model


class AuditCount(Model):
    """What the leader's last count came to, over the last 24 hours."""

    at: datetime
    since: datetime
    finished: int = Field(description="how many periods finished since")
    counts: dict[str, int] = Field(description="findings by kind")
    late: int = Field(description="how many periods are late just now")
    first: tuple[str, ...] = Field(description="some of them, each as `process period: kind`")


class AuditFinding(Model):
    """Something that is not as it should be."""

    process: str
    timeperiod: str
    kind: str = Field(description="missing, late, ran twice, overlap or out of order")
    what: str
    evidence: tuple[str, ...]
    look: str = Field(description="what to look at or to press on the box")


class AuditLook(Model):
    """A look at all records of a range of periods; it goes on beside what is asked."""

    process: str = Field(description="the process, empty for all")
    low: datetime | None = Field(description="periods that begin before are left out")
    high: datetime | None = Field(description="periods that begin then or later are left out")
    began_at: datetime
    ended_at: datetime | None = Field(description="none while it goes on")
    fault: str = Field(description="why it was given up, empty where it was not")
    is_led: bool = Field(description="whether somebody leads: else nothing is owed to what is not finished")
    periods: int = Field(description="how many were looked at so far")
    periods_total: int
    finished: int
    archived: int = Field(description="finished ones whose records are not kept any more")
    counts: dict[str, int] = Field(description="findings by kind")
    findings: tuple[AuditFinding, ...] = Field(description="at most 10,000 of them")

    @property
    def total(self) -> int:
        """How many findings there are."""
        return sum(self.counts.values())
