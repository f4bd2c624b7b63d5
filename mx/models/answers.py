"""What was answered to a command that somebody has just given."""

from __future__ import annotations

from pydantic import Field

from mx.models.base import Model


class Answered(Model):
    """A command and its answer so far."""

    number: int
    what: str = Field(description="the command in a few words, such as `off sales_daily`")
    state: str = Field(description="`open`, `done` or `refused`")
    answer: str = Field(description="empty while it is open")
    has_leader: bool = Field(description="whether a scheduler leads, who carries out what is open")
