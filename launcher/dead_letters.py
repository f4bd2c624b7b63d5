"""Which messages were given up on, and what becomes of them? A message is a hint: the store knows what is still to be done."""

from __future__ import annotations

import select
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from db.model import UnitOfWork
from db.store import Store
from launcher.say import counted
from mq.broker import Broker, Delivery, Message
from system.context import DEAD_QUEUE
from system.errors import QueueMissing
from system.lifecycle import UowState
from system.reports import named_in

MOST = 1_000
# How long a server may take until it sends the next of the letters that it counts.
_WAIT_S = 1.0


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What a message said that came back too often; one for each unit of work that a report names.

    `queue` and `state` are those of the unit of work; empty where there is none.
    """

    body: str
    queue: str
    state: str


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of dead letters: how many were sent again, how many were dropped."""

    sent: int
    dropped: int

    @property
    def sent_text(self) -> str:
        """Tell it of letters that were sent again as far as they were due."""
        return f"sent {counted(self.sent, 'dead letter')} again, dropped {self.dropped:,}"

    @property
    def dropped_text(self) -> str:
        """Tell it of letters that were dropped."""
        return f"dropped {counted(self.dropped, 'dead letter')}"


def dead_letters(store: Store, broker: Broker) -> list[DeadLetter]:
    """Return the oldest of them; they stay where they are."""
    with _Pile(broker) as pile:
        known = _known(store, pile.letters)
    return [_letter(text, known.get(text)) for letter in pile.letters for text in _said(letter)]


def send_again(store: Store, broker: Broker, only: Collection[str] | None = None) -> Settled:
    """Send what is still requested to its queue, and drop the rest: nobody waits for it any more.

    `only` the letters that name one of these units of work, where it is given; the others stay.
    """
    with _Pile(broker) as pile:
        meant = pile.meant(only)
        known = _known(store, meant)
        due = {uow.id: uow for uow in known.values() if uow.state is UowState.REQUESTED}
        broker.publish([Message(uow.queue, uow.id) for uow in due.values()])
        pile.drop(meant)
    useless = [letter for letter in meant if due.keys().isdisjoint(_said(letter))]
    return Settled(len(due), len(useless))


def drop(broker: Broker, only: Collection[str] | None = None) -> Settled:
    """Drop them all, or only those of `send_again`'s `only`; what is still requested the scheduler's sweep sends again."""
    if only is None:
        return Settled(0, broker.purge(DEAD_QUEUE))
    with _Pile(broker) as pile:
        meant = pile.meant(only)
        pile.drop(meant)
    return Settled(0, len(meant))


def _said(letter: Delivery) -> list[str]:
    return named_in(letter.body) or [letter.body]


def _letter(body: str, uow: UnitOfWork | None) -> DeadLetter:
    return DeadLetter(body, uow.queue, uow.state.value) if uow else DeadLetter(body, "", "")


class _Pile:
    """The dead letters while they are looked at; what is not dropped goes back."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.letters: list[Delivery] = []

    def __enter__(self) -> _Pile:
        try:
            self._consumer = self._broker.consumer([DEAD_QUEUE])
        except QueueMissing:  # a broker that gives no message up, or was never used
            return self
        left = self._broker.depths([DEAD_QUEUE])[DEAD_QUEUE]
        while (most := min(left, MOST - len(self.letters))) > 0 and (found := self._next(most)):
            self.letters += found
            left -= len(found)
        return self

    def __exit__(self, *_: object) -> None:
        if hasattr(self, "_consumer"):
            self._consumer.close()

    def _next(self, most: int) -> list[Delivery]:
        """Return what has come; a server sends bit by bit, so wait a moment for it. Empty where nothing comes: others hold it."""
        found = self._consumer.take(most)
        bell = self._consumer.fileno()
        if found or bell < 0:
            return found
        poll = select.poll()
        poll.register(bell, select.POLLIN)
        poll.poll(_WAIT_S * 1000)
        return self._consumer.take(most)

    def meant(self, only: Collection[str] | None) -> list[Delivery]:
        """Return those that name one of `only`, all where that is not given."""
        return [letter for letter in self.letters if only is None or not set(only).isdisjoint(_said(letter))]

    def drop(self, letters: Sequence[Delivery]) -> None:
        """Let these not go back."""
        if letters:
            self._consumer.acknowledge(letters)


def _known(store: Store, letters: Sequence[Delivery]) -> dict[str, UnitOfWork]:
    ids = list(dict.fromkeys(text for letter in letters for text in _said(letter) if text))
    return {uow.id: uow for uow in store.uows(ids)} if ids else {}
