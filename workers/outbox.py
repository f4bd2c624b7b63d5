"""What has the store still to be told of ended attempts? Output, outcomes, claims to be given back, and the messages that follow.

What could not be written stays until it can be: a call whose answer was lost is made again, which conditional writes allow.
"""

from __future__ import annotations

import logging
from collections import deque

from db.model import Outcome, OutputPiece, UnitOfWork
from db.store import Store
from mq.broker import FEW, Broker, Message
from system.context import REPORT_QUEUE
from system.errors import StoreError, Unavailable
from system.reports import reports_on
from workers.tasks import Refusal, after_refusal

log = logging.getLogger(__name__)

MOST_MESSAGES = 10_000
MOST_TRIES = 20


class Outbox:
    """One worker's words to the world that are not said yet. Belongs to the work thread.

    `fenced` counts the outcomes that the fence refused.
    """

    def __init__(self, store: Store, broker: Broker) -> None:
        self._store = store
        self._broker = broker
        self._outcomes: dict[str, Outcome] = {}
        self._returns: dict[str, UnitOfWork] = {}
        self._output: list[OutputPiece] = []
        # Messages are hints, so there may be a bound: the sweep finds out without them.
        self._messages: deque[Message] = deque(maxlen=MOST_MESSAGES)
        self._reports: deque[str] = deque(maxlen=MOST_MESSAGES)
        self._tries = 0
        self.fenced = 0

    @property
    def has_claims(self) -> bool:
        """Whether claims wait for their outcome to be written, or for being given back."""
        return bool(self._outcomes or self._returns)

    @property
    def has_messages(self) -> bool:
        """Whether messages wait for being published."""
        return bool(self._messages or self._reports)

    def holds(self, uow_id: str) -> bool:
        """Return whether a claim on this unit of work waits here."""
        return uow_id in self._outcomes or uow_id in self._returns

    def add_output(self, pieces: list[OutputPiece]) -> None:
        """Keep pieces of output until `write`."""
        self._output += pieces

    def add_outcome(self, outcome: Outcome) -> None:
        """Keep an outcome until `write`; a later claim's takes the place of an older one, which the fence would refuse anyway."""
        self._outcomes[outcome.uow_id] = outcome

    def add_return(self, uow: UnitOfWork) -> None:
        """Keep a claim that never started until `write` gives it back."""
        self._returns[uow.id] = uow

    def add_message(self, message: Message) -> None:
        """Keep a message until `publish`."""
        self._messages.append(message)

    def drop_claims(self, why: str) -> None:
        """Forget what waits for a session that is gone; its claims are voided by the engine."""
        for uow_id in (*self._outcomes, *self._returns):
            log.warning("dropped the outcome of %s: %s", uow_id, why, extra={"action": "outcome_dropped", "uow": uow_id})
        self._outcomes.clear()
        self._returns.clear()
        self._output.clear()

    def write(self) -> None:
        """Tell the store all there is, output first; raises Unavailable, and keeps what was not written."""
        self._write_output()
        self._write_outcomes()
        if self._returns:
            given = self._store.give_back(list(self._returns.values()))
            log.info("gave back %d claims of %d", len(given), len(self._returns), extra={"action": "claims_given_back"})
            # The queue's word went with the acknowledgement, so say it anew. Also where the answer to an earlier try was lost.
            self._messages.extend(Message(uow.queue, uow.id, urgent=True) for uow in self._returns.values())
            self._returns.clear()

    def publish(self) -> None:
        """Publish what waits; raises BrokerError or Unavailable. After many failures in a row the messages are given up."""
        if not self.has_messages:
            return
        self._tries += 1
        messages = [*(Message(REPORT_QUEUE, text) for text in reports_on(list(self._reports))), *self._messages]
        if self._tries > MOST_TRIES:
            log.error("gave up publishing %d messages; the sweep will find what they say", len(messages))
        else:
            self._broker.publish(messages)
        self._messages.clear()
        self._reports.clear()
        self._tries = 0

    def _write_output(self) -> None:
        if not self._output:
            return
        try:
            self._store.append_output(self._output)
        except Unavailable:
            raise
        except StoreError as error:
            # What was printed must not hold up what was done.
            log.warning("dropped %d pieces of output: %s", len(self._output), error, extra={"action": "output_dropped"})
        self._output = []

    def _write_outcomes(self) -> None:
        for _ in range(2):
            if not self._outcomes:
                return
            self._foretell()
            written = self._store.finish(list(self._outcomes.values()))
            for uow_id in written:
                self._report(uow_id)
            if self._outcomes:
                self._look_at_refused()

    def _foretell(self) -> None:
        """Send the report on few outcomes before they are written: the scheduler hears of them as they are. `publish` says it again."""
        if len(self._outcomes) <= FEW:
            self._broker.foretell([Message(REPORT_QUEUE, text) for text in reports_on(list(self._outcomes))])

    def _look_at_refused(self) -> None:
        known = {uow.id: uow for uow in self._store.uows(list(self._outcomes))}
        for outcome in list(self._outcomes.values()):
            verdict = after_refusal(outcome, known.get(outcome.uow_id))
            if isinstance(verdict, Outcome):
                self._outcomes[outcome.uow_id] = verdict
            elif verdict is Refusal.WRITTEN_BEFORE:
                self._report(outcome.uow_id)
            else:
                del self._outcomes[outcome.uow_id]
                self.fenced += 1
                log.warning(
                    "the outcome of %s (fence %d, %s) was refused by the fence: %s", outcome.uow_id, outcome.fence, outcome.event.name,
                    verdict.value, extra={"action": "outcome_refused", "uow": outcome.uow_id},
                )

    def _report(self, uow_id: str) -> None:
        del self._outcomes[uow_id]
        self._reports.append(uow_id)
