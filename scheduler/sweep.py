"""What did a crash or a lost message leave behind? The slow second look at what is in flight; never at history."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from db.model import Command, Session, UnitOfWork
from db.store import Store
from mq.broker import Broker, Message
from scheduler.board import Board
from scheduler.leases import SessionWatch
from system.clock import Clock
from system.errors import BrokerError, Unavailable
from system.lifecycle import UowState

log = logging.getLogger(__name__)
_COMMANDS = 100


@dataclass(frozen=True, slots=True)
class Findings:
    """What the sweep read. `lost` are the sessions that it closed because their beat stood still."""

    uows: list[UnitOfWork] = field(default_factory=list)
    open_sessions: frozenset[str] = frozenset()
    lost: list[str] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    workers: list[Session] = field(default_factory=list)
    has_standby: bool = False


class Sweep:
    """Looks at what is in flight. Keeps only what a restart may forget: ages of beats, and who was REQUESTED last time."""

    def __init__(self, store: Store, broker: Broker, clock: Clock, lease_s: float) -> None:
        self._store = store
        self._broker = broker
        self._clock = clock
        self._watch = SessionWatch(lease_s)
        self._requested_before: set[str] = set()

    def read(self, board: Board, own_session: str) -> Findings:
        """Read units of work in flight and sessions, close those that were lost; raises Unavailable, and then all ages count anew."""
        try:
            # Units of work first: a session that a claim names was opened before the claim, so it can't be missing by being new.
            # Those that failed wait for a turn of ours and for nobody else: a process that always fails must not make each sweep slower.
            flights = board.inflight.flights.items()
            uows = self._store.uows([uow_id for uow_id, flight in flights if flight.state is not UowState.INVALID])
            began_s = self._clock.monotonic()
            sessions = self._store.sessions()
            observed = self._watch.observe(sessions, began_s, self._clock.monotonic())
            still = {name: beat for name, beat in observed.items() if name != own_session}
            lost = self._store.expire_sessions(still) if still else []
            commands = self._store.open_commands(_COMMANDS)
        except Unavailable:
            self._watch.reset()
            raise
        for name in lost:
            log.warning("session %s did not beat for its lease: closed, its claims are void", name)
        open_sessions = frozenset(s.id for s in sessions) - frozenset(lost)
        workers = [s for s in sessions if s.kind == "worker" and s.id in open_sessions]
        has_standby = any(s.kind == "scheduler" and s.id != own_session for s in sessions)
        return Findings(uows, open_sessions, lost, commands, workers, has_standby)

    def messages_missing(self, board: Board) -> list[Message]:
        """Return messages to send again: of the queues that hold fewer messages than units of work are REQUESTED, as many as are missing.

        Of those that have been REQUESTED for a while, the oldest: they are what is missing, or what a worker holds at this moment.
        """
        requested = {queue: list(ids) for queue, ids in board.inflight.requested.items() if ids}
        waiting = {queue: [i for i in ids if i in self._requested_before] for queue, ids in requested.items()}
        self._requested_before = {i for ids in requested.values() for i in ids}
        waiting = {queue: ids for queue, ids in waiting.items() if ids}
        if not waiting:
            return []
        try:
            depths = self._broker.depths(list(waiting))
        except (BrokerError, Unavailable) as error:
            log.warning("could not ask for the depth of %d queues: %s", len(waiting), error)
            return []
        missing: list[Message] = []
        for queue, ids in waiting.items():
            again = ids[: max(0, len(requested[queue]) - depths.get(queue, 0))]
            if again:
                log.info(
                    "queue %s holds %d messages for %d units of work: %d are sent again",
                    queue, depths.get(queue, 0), len(requested[queue]), len(again), extra={"action": "sent_again", "queue": queue},
                )  # fmt: skip
            missing += (Message(queue, uow_id) for uow_id in again)
        return missing


def apply(findings: Findings, board: Board) -> None:
    """Let the board take over what the sweep read."""
    board.draft.lost.extend(findings.lost)
    for uow in findings.uows:
        is_void = uow.state is UowState.IN_PROGRESS and uow.session not in findings.open_sessions
        board.read(uow, is_void=is_void)
    board.size_windows(sum(session.slots for session in findings.workers))
