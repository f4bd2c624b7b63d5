"""What does every page of the dashboard ask? Whether anything is scheduled, and whether something has changed."""

from __future__ import annotations

from launcher.web.area import Area
from launcher.web.asked import asked
from mx.models.head import Pulse
from scheduler.health import read_health
from scheduler.overview import broker_fault
from system.errors import ConfigError


class HeadArea(Area):
    """Answers `mx.desk.HeadDesk`."""

    @asked
    def version(self) -> int:
        """Return the number of the last turn."""
        return self.parts.desk.read().head

    @asked
    def pulse(self) -> Pulse:
        """Return whether anything is scheduled just now, and how many jobs need a person."""
        try:
            health, active = self.parts.desk.health(), self.parts.desk.read().active.values()
            needing = sum(1 for job in active if job.held or job.failing_since)
        except ConfigError:  # whoever leads goes on by the context that it read before; that one needs a person
            health, needing = read_health(self.parts.store, self.now()), 1
        box = next((session.box for session in health.sessions if session.id == health.leader), "")
        return Pulse(
            leader=health.leader, box=box, last_turn=health.last_turn, last_turn_age_s=health.last_turn_age_s,
            has_broker=not broker_fault(self.parts.joined.broker, health), needing=needing,
        )  # fmt: skip
