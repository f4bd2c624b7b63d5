"""In which order does the world hear of a turn?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from db.memory import MemoryStore
from db.model import Chunk, Turn
from db.store import nothing
from mq.broker import FEW, Message
from mq.memory import MemoryBroker
from scheduler.journal import Journal
from tests.support.builders import turn, uow


class Noting(MemoryStore):
    """A store that notes in `journal` what becomes of a turn."""

    def __init__(self, journal: list[str], *, opens_at_once: bool) -> None:
        super().__init__()
        self._journal = journal
        self.opens_at_once = opens_at_once

    def insert_turn(self, turn: Turn) -> bool:
        self._journal.append("insert")
        return super().insert_turn(turn)

    def project(self, turn: Turn, chunks: Sequence[Chunk], on_requested: Callable[[], None] = nothing) -> None:
        self._journal.append("project")
        super().project(turn, chunks, on_requested)


class Listening(MemoryBroker):
    """A broker that notes in `journal` how many messages it is told of."""

    def __init__(self, journal: list[str]) -> None:
        super().__init__()
        self._journal = journal

    def foretell(self, messages: Sequence[Message]) -> None:
        self._journal.append(f"foretell {len(messages)}")

    def publish(self, messages: Sequence[Message]) -> None:
        self._journal.append(f"publish {len(messages)}")


def heard(count: int, *, opens_at_once: bool) -> list[str]:
    """Return what is called for a turn that requests `count` units of work."""
    journal: list[str] = []
    opened = [uow(f"p/{number:010}/1/1") for number in range(count)]
    messages = [Message(one.queue, one.id) for one in opened]
    store = Noting(journal, opens_at_once=opens_at_once)
    assert Journal(store, Listening(journal), "scheduler-1").commit(turn(1, opened=opened), (), messages)
    return journal


@pytest.mark.parametrize("count", [1, FEW])
def test_few_messages_are_foretold_before_their_turn_where_they_can_be_claimed_with_it(count: int) -> None:
    assert heard(count, opens_at_once=True) == [f"foretell {count}", "insert", "project", f"publish {count}"]


def test_elsewhere_few_messages_are_foretold_when_their_turn_is_there() -> None:
    assert heard(FEW, opens_at_once=False) == ["insert", f"foretell {FEW}", "project", f"publish {FEW}"]


@pytest.mark.parametrize("opens_at_once", [True, False])
def test_many_messages_wait_for_their_turn(opens_at_once: bool) -> None:
    assert heard(FEW + 1, opens_at_once=opens_at_once) == ["insert", "project", f"publish {FEW + 1}"]
