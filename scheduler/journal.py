"""How does a turn become true? Inserted, then projected, then published; and carried on where a call failed in between."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from db.model import Chunk, Turn
from db.store import Store, nothing
from mq.broker import FEW, Broker, Message
from scheduler.said import lines
from system.errors import BrokerError, QueueMissing, StoreError, Unavailable

log = logging.getLogger(__name__)


class Stage(Enum):
    """How far a turn has come."""

    INSERT = 1
    PROJECT = 2


@dataclass(slots=True)
class _Pending:
    turn: Turn
    chunks: Sequence[Chunk]
    messages: Sequence[Message]
    stage: Stage = Stage.INSERT


class Journal:
    """Commits the turns of one session, one at a time. A turn that was begun is carried on until its fate is known, never forgotten."""

    def __init__(self, store: Store, broker: Broker, session: str) -> None:
        self._store = store
        self._broker = broker
        self._session = session
        self._pending: _Pending | None = None
        self._unsent: dict[Message, None] = {}  # each once: the sweep says the same again while the broker is away
        self.trouble = ""  # why messages wait here, empty where none does

    def commit(self, turn: Turn, chunks: Sequence[Chunk], messages: Sequence[Message]) -> bool:
        """Insert `turn`, project it, publish `messages`. Returns False when its number is taken: this session no longer leads.

        Few messages are foretold, so that a worker has them when it can claim what they name. One that looks too early finds nothing.

        Raises Unavailable where the store was away; then `carry_on` does the rest. Raises StoreError where the store refuses the turn:
        then it is as if it had never been.
        """
        self._pending = _Pending(turn, chunks, messages)
        if self._store.opens_at_once:
            self._foretell(messages)
        return self.carry_on()

    def carry_on(self) -> bool:
        """Bring what is pending to its end; returns False when its number turned out to be taken. Raises Unavailable."""
        pending = self._pending
        if pending is not None:
            if pending.stage is Stage.INSERT:
                if not self._insert(pending.turn):
                    self._pending = None
                    return False
                pending.stage = Stage.PROJECT
                if not self._store.opens_at_once:
                    self._foretell(pending.messages)
            self.project(pending.turn, pending.chunks, lambda: self._tell(pending))
            self._pending = None
            for line in lines(pending.turn):  # after all else, which somebody waits for
                log.info("%s", line)
        self._publish()
        return True

    def _foretell(self, messages: Sequence[Message]) -> None:
        if len(messages) <= FEW:
            self._broker.foretell(messages)

    def _insert(self, turn: Turn) -> bool:
        """Return whether `turn` is in the store. One that the store refuses for good is forgotten: it would refuse it for ever."""
        try:
            return self._store.insert_turn(turn) or self._is_mine(turn)
        except Unavailable:
            raise
        except StoreError:
            # An earlier try, whose answer was lost, may have been taken; then this one would have found its number taken.
            self._pending = None
            raise

    def project(self, turn: Turn, chunks: Sequence[Chunk], on_requested: Callable[[], None] = nothing) -> None:
        """Project a turn that is in the store, as `Store.project`. Nothing goes on before it: what the store refuses is said with that."""
        try:
            self._store.project(turn, chunks, on_requested)
        except Unavailable:
            raise
        except StoreError as error:
            raise StoreError(
                f"turn {turn.number} is in the store, which refuses what follows from it; mend that, and all goes on by itself: {error}"
            ) from error

    def _tell(self, pending: _Pending) -> None:
        """Publish what a turn requested; whoever hears of it finds it in the store."""
        messages, pending.messages = pending.messages, ()
        self.send(messages)

    def is_pending(self) -> bool:
        """Return whether a turn was begun whose fate is not known yet."""
        return self._pending is not None

    def send(self, messages: Sequence[Message]) -> None:
        """Publish messages that no turn carries."""
        self._unsent.update(dict.fromkeys(messages))
        self._publish()

    def _is_mine(self, turn: Turn) -> bool:
        """Return whether an insert whose answer was lost did take effect."""
        found = self._store.turns_after(turn.number - 1, 1)
        return bool(found) and (found[0].number, found[0].session) == (turn.number, self._session)

    def _publish(self) -> None:
        """Send what is to be sent; a message is a hint, so a broker that is away holds nothing up."""
        if not self._unsent:
            return
        try:
            self._publish_to_known()
        except (BrokerError, Unavailable) as error:
            log.warning("could not publish %d messages, will try again: %s", len(self._unsent), error)
            self.trouble = str(error)
            return
        self._unsent, self.trouble = {}, ""

    def _publish_to_known(self) -> None:
        """Send all but what is for a queue that is not there: that is dropped, so that it holds up nothing else.

        The sweep says it again.
        """
        try:
            self._broker.publish(list(self._unsent))
        except QueueMissing as error:
            rest = [message for message in self._unsent if message.queue not in error.queues]
            log.error("dropped %d messages: %s", len(self._unsent) - len(rest), error)  # noqa: TRY400  the error says it all
            if rest and not error.is_rest_sent:
                self._broker.publish(rest)
