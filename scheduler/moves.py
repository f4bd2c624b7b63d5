"""What else happens when the engine moves a unit of work? Its flight, its message and a second look at it."""

from __future__ import annotations

import logging

from db.model import UowMove
from mq.broker import Message
from scheduler.draft import Draft
from scheduler.inflight import Flight, InFlight
from system.lifecycle import UowEvent, UowState

log = logging.getLogger(__name__)


def record(move: UowMove, flight: Flight, after: UowState, draft: Draft, inflight: InFlight, look_at: dict[str, None]) -> None:
    """Write a move down in the turn; `look_at` are the units of work that the next turn reads."""
    draft.moves.append(move)
    inflight.moved(move.uow_id, flight, after)
    if after is UowState.REQUESTED and move.before is not UowState.REQUESTED:
        draft.messages.append(Message(flight.queue, move.uow_id, urgent=move.event is UowEvent.LOST))
        log.warning("%s is due again: %s", move.uow_id, move.reason)
    if move.event not in (UowEvent.RETRIED, UowEvent.GIVEN_UP):
        # Its worker may have been first: what the store made of the move is looked up in the next turn.
        look_at[move.uow_id] = None
