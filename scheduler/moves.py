"""What else happens when the engine moves a unit of work, or puts one back? Its flight, its message and a second look at it."""

from __future__ import annotations

import logging
from dataclasses import replace

from db.entries import Run
from db.model import Cancel, Job, UnitOfWork, UowMove
from mq.broker import Message
from scheduler.draft import Draft
from scheduler.inflight import Flight, InFlight
from system.lifecycle import JobEvent, UowEvent, UowState

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


def call_off(job: Job, event: JobEvent, reason: str, draft: Draft, inflight: InFlight, look_at: dict[str, None]) -> bool:
    """Let a job's unit of work end, and `event` happen to the job after it; returns False where that was asked before."""
    if job.next_event is event:
        return False
    flight = inflight.flights[job.uow_id]
    draft.put(replace(job, next_event=event, reason=reason, changed_at=draft.now, turn=draft.number))
    draft.cancels.append(Cancel(job.uow_id, reason))
    for state in (UowState.REQUESTED, UowState.INVALID):
        draft.moves.append(UowMove(job.uow_id, state, UowEvent.CANCELED, flight.fence, flight.losses, reason))
    look_at[job.uow_id] = None
    return True


def put_back(uow: UnitOfWork, known: Job | Run, log_of: tuple[str, str], *, is_ending: bool, draft: Draft) -> UnitOfWork:
    """Open a unit of work once more that is under way and that the store lacks; returns it as it was last `known`. It is told in `log_of`.

    A dump of a store that was written to meanwhile may hold a job and not its unit of work. The store opens only what it has not got.
    """
    uow = replace(uow, failures=known.failures)
    if is_ending:
        uow = replace(uow, cancel_requested=True, reason=known.reason)
    elif known.uow_state is UowState.INVALID:
        uow = replace(uow, state=known.uow_state, reason=known.reason)
    else:
        draft.messages.append(Message(uow.queue, uow.id))
    draft.opened.append(uow)
    draft.tell(*log_of, "lost", f"{uow.id} was not in the store, and was put back")
    log.error("%s was not in the store, and was put back", uow.id)
    return uow
