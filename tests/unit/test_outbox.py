"""What does a worker say of ended attempts, to whom, and in which order?"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from db.model import Outcome
from mq.broker import FEW, Message
from mq.memory import MemoryBroker
from system.context import REPORT_QUEUE
from system.errors import Unavailable
from system.lifecycle import UowEvent
from tests.support.builders import NOW
from tests.support.stores import open_uows
from tests.support.workplace import ShakyStore
from workers.outbox import Outbox


class Listening(MemoryBroker):
    """A broker that notes what it is told in `journal`."""

    def __init__(self, journal: list[str]) -> None:
        super().__init__()
        self._journal = journal
        self.declare([REPORT_QUEUE])

    def foretell(self, messages: Sequence[Message]) -> None:
        self._journal += [f"foretell {message.body}" for message in messages]

    def publish(self, messages: Sequence[Message]) -> None:
        self._journal += [f"publish {message.body}" for message in messages]


@pytest.fixture
def journal() -> list[str]:
    return []


@pytest.fixture
def store(journal: list[str]) -> ShakyStore:
    return ShakyStore(journal)


@pytest.fixture
def outbox(store: ShakyStore, journal: list[str]) -> Outbox:
    return Outbox(store, Listening(journal))


def end(store: ShakyStore, outbox: Outbox, journal: list[str], count: int) -> list[str]:
    """Have attempts of `count` units of work ended that nobody was told of, and return their ids."""
    ids = [f"p/{number:010}/1/1" for number in range(count)]
    open_uows(store, *ids)
    for uow in store.claim(ids, "worker-1", NOW):
        outbox.add_outcome(Outcome(uow.id, uow.session, uow.fence, UowEvent.DONE, NOW))
    journal.clear()
    return ids


@pytest.mark.parametrize("count", [1, FEW])
def test_few_outcomes_are_told_of_before_they_are_written_and_after(
    store: ShakyStore, outbox: Outbox, journal: list[str], count: int
) -> None:
    named = " ".join(end(store, outbox, journal, count))
    outbox.write()
    outbox.publish()
    assert journal == [f"foretell {named}", "finish", f"publish {named}"]


def test_many_outcomes_are_told_of_once(store: ShakyStore, outbox: Outbox, journal: list[str]) -> None:
    named = " ".join(end(store, outbox, journal, FEW + 1))
    outbox.write()
    outbox.publish()
    assert journal == ["finish", f"publish {named}"]


def test_what_could_not_be_written_is_not_published_whatever_was_foretold(
    store: ShakyStore, outbox: Outbox, journal: list[str]
) -> None:
    (uow_id,) = end(store, outbox, journal, 1)
    store.away.add("finish")
    with pytest.raises(Unavailable):
        outbox.write()
    outbox.publish()
    assert journal == [f"foretell {uow_id}", "finish"]
    store.away.clear()
    outbox.write()
    outbox.publish()
    assert journal[2:] == [f"foretell {uow_id}", "finish", f"publish {uow_id}"]
