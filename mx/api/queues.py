"""Queues: what waits, and what becomes of messages that were given up on. No work is lost by what is done to messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from flask import Response, g
from pydantic import BaseModel, Field

from mx.api.answers import answer
from mx.api.app import Part, area
from mx.api.idempotency import mark
from mx.api.paging import Page, page_after
from mx.api.params import Flag, Name, Paged, Reasoned
from mx.desk import Desk
from mx.models.queues import DeadLetters, QueueAnswer, QueueRow, Queues
from mx.security.roles import Role, needs

# What a message says: the id of a unit of work, such as `flights_hourly/2013010105/1/1`.
_Letter = Annotated[str, Field(min_length=1, max_length=400)]


class QueuesQuery(Paged):
    """Which queues."""

    words: str = Field("", max_length=100, description="Only queues whose names, or readers' names, hold this.")
    busy: Flag = Field(default=False, description="Only those that hold anything.")


class QueuePath(BaseModel):
    """A queue in the address."""

    queue: Name


class Letters(Reasoned):
    """Which messages."""

    only: list[_Letter] | None = Field(
        None, min_length=1, max_length=1_000, description="Only those that name these units of work, one at least; left out: all."
    )


class QueuePage(Page[QueueRow]):
    """A page of the list of queues. What is null is not known just now: `fault` says why the broker does not tell, empty where it does."""

    dead: int | None = Field(description="How many messages were given up on.")
    fault: str


def api(desk: Desk) -> Part:
    """Return `/queues`, `/dead-letters` and what lies under them."""
    bp = area("queues", "What waits at the broker")

    @bp.get("/queues", operation_id="list_queues", responses={200: QueuePage})
    def queues(query: QueuesQuery) -> Response:
        """List the queues, with what waits in each and who takes from it."""
        filters: dict[str, object] = {"words": query.words, "busy": query.busy}
        looks: list[Queues] = []

        def fetch(first: int, count: int) -> tuple[Sequence[QueueRow], int]:
            looks.append(desk.queues(words=query.words, offset=first, limit=count, only_busy=query.busy))
            return looks[-1].rows, looks[-1].total

        rows, after = page_after(fetch, lambda row: row.queue, query.cursor, filters, query.limit)
        return answer(QueuePage(items=rows, next=after, dead=looks[-1].dead, fault=looks[-1].fault))

    @bp.get("/queues/<queue>", operation_id="get_queue", responses={200: QueueRow})
    def queue(path: QueuePath) -> Response:
        """Show one queue."""
        return answer(desk.queue(path.queue))

    @bp.post("/queues/<queue>/purge", operation_id="purge_queue", responses={200: QueueAnswer})
    @needs(Role.ADMIN)
    def purge(path: QueuePath, body: Reasoned) -> Response:
        """Drop what waits in a queue; the scheduler sends anew what is still requested."""
        return answer(desk.purge_queue(path.queue, g.user.name, body.why, token=mark()))

    @bp.get("/dead-letters", operation_id="list_dead_letters", responses={200: DeadLetters})
    def dead() -> Response:
        """Show the oldest messages that were given up on."""
        return answer(desk.dead_letters())

    @bp.post("/dead-letters/requeue", operation_id="requeue_dead_letters", responses={200: QueueAnswer})
    @needs(Role.OPERATOR)
    def requeue(body: Letters) -> Response:
        """Send what is still due to its queue, and drop the rest."""
        return answer(desk.requeue_dead(g.user.name, body.why, only=body.only, token=mark()))

    @bp.post("/dead-letters/drop", operation_id="drop_dead_letters", responses={200: QueueAnswer})
    @needs(Role.OPERATOR)
    def drop(body: Letters) -> Response:
        """Drop messages that were given up on."""
        return answer(desk.drop_dead(g.user.name, body.why, only=body.only, token=mark()))

    return bp
