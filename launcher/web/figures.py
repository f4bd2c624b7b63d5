"""What does the dashboard measure, and who is there? Metrics and sessions, for programs that watch."""

from __future__ import annotations

from launcher.queue import queues_of
from launcher.web.area import Area
from launcher.web.asked import asked
from launcher.web.parts import WebParts
from mx.models.measures import Measures
from mx.models.presence import Follower, Present, Standby
from scheduler.desk import Desk
from scheduler.meter import Meter


class FiguresArea(Area):
    """Answers `mx.desk_figures.FiguresDesk`. What is counted goes on over changes of the context."""

    def __init__(self, parts: WebParts) -> None:
        super().__init__(parts)
        self._meter: Meter | None = None
        self._metered: Desk | None = None

    @asked
    def measures(self) -> Measures:
        """Return all figures as they are now; a constant number of calls to the store."""
        desk, context = self.parts.desk, self.parts.context
        if self._meter is None:
            self._meter = Meter(self.parts.store, self.parts.joined.broker)
        if self._metered is not desk:
            self._meter.follow(desk, context, list(queues_of(context)))
            self._metered = desk
        return Measures.model_validate(self._meter.read(self.now()), from_attributes=True)

    @asked
    def standby(self) -> Standby:
        """Return who leads, who would lead next, and every session that is open."""
        health = self.parts.desk.health()
        return Standby(
            leader=health.leader,
            leads_since=health.leads_since,
            last_turn=health.last_turn,
            last_turn_age_s=health.last_turn_age_s,
            followers=tuple(Follower.model_validate(each, from_attributes=True) for each in health.followers),
            sessions=tuple(_present(each) for each in sorted(health.sessions, key=lambda each: (each.kind, each.box, each.id))),
        )


def _present(session: object) -> Present:
    return Present(**{name: getattr(session, name) for name in Present.model_fields})
