"""What stands at the head of every page: is anything scheduled just now?"""

from __future__ import annotations

from pydantic import Field

from mx.models.base import Model


class Pulse(Model):
    """Whether anything is scheduled. Health is the age of the leader's last successful turn, never that a process is alive."""

    leader: str = Field(description="the session that leads, empty where none does")
    box: str = Field(description="the box of the leader, empty where none leads")
    last_turn: int = Field(description="the number of the last turn")
    last_turn_age_s: float | None = Field(description="seconds since the leader's last round that succeeded; none where nobody leads")
    has_broker: bool = Field(description="whether messages go, as far as that is known without asking")
    needing: int = Field(description="how many things need a person")
