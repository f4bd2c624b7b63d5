"""What waits in the broker's queues, who takes from them, and which messages were given up on."""

from __future__ import annotations

from pydantic import Field

from mx.models.base import Model


class QueueRow(Model):
    """A queue. What is None is not known just now."""

    queue: str
    lane: str = Field(description="`live`, `backfill`, or empty where it has no lane")
    messages: int | None = Field(description="how many wait in the broker")
    requested: int = Field(description="units of work that the store holds as requested for it")
    running: int = Field(description="units of work of it that a worker has claimed")
    window: int = Field(description="how many may be requested at once; 0 where there is no such limit")
    consumers: int = Field(description="workers that take from it")
    slots: int = Field(description="slots of these workers")
    readers: tuple[str, ...] = Field(description="the processes whose messages it carries")


class Queues(Model):
    """A part of all queues. `fault` says why the broker does not tell, empty where it does."""

    rows: tuple[QueueRow, ...]
    total: int
    dead: int | None = Field(description="messages that were given up on")
    dead_queue: str
    looked_at: int = Field(description="how many units of work under way were looked at")
    is_all: bool = Field(description="whether that were all of them; else requested and running are too low")
    fault: str


class DeadLetter(Model):
    """A message that came back too often."""

    body: str = Field(description="the unit of work that it names")
    queue: str = Field(description="where that belongs, empty where it is not known")
    state: str = Field(description="the state of that unit of work, empty where there is none")


class DeadLetters(Model):
    """The oldest of them; they stay where they are."""

    letters: tuple[DeadLetter, ...]
    total: int


class QueueAnswer(Model):
    """What became of messages, and the command that tells of it in the audit log."""

    command: int
    text: str
