"""Who is there: which processes of a deployment have a session, and who of the schedulers leads?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import Field

from mx.models.base import Model


class Present(Model):
    """An open session of a scheduler, a worker or a supervisor."""

    id: str
    kind: str = Field(description="`scheduler`, `worker` or `supervisor`")
    box: str
    pid: int
    opened_at: datetime
    beat: int = Field(description="a number that grows with each sign of life")
    slots: int = Field(description="how many units of work a worker runs at once")
    queues: tuple[str, ...] = Field(description="what a worker takes from")
    facts: Mapping[str, str] = Field(description="what it tells of itself; may grow with any version")


class Follower(Model):
    """A scheduler that stands by."""

    session: str
    box: str
    turns_behind: int = Field(description="behind the leader, as of its last beat")
    refusal: str = Field(description="why it would not lead, empty where it would")


class Standby(Model):
    """Who leads, since when, and who is there beside. Health is the age of the last successful turn."""

    leader: str = Field(description="the session that leads, empty where none does")
    leads_since: datetime | None
    last_turn: int
    last_turn_age_s: float | None = Field(description="seconds since the leader's last round that succeeded; null where nobody leads")
    followers: tuple[Follower, ...]
    sessions: tuple[Present, ...]
