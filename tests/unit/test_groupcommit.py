"""Does the writer outlive whatever happens to one of its groups?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

from system.groupcommit import GroupWriter, Transactions

_LONG_S = 10.0


class Unlucky(Transactions):
    """Transactions of which the first waits to be let on, and can't be committed then."""

    def __init__(self) -> None:
        self.has_begun, self.may_go_on = Event(), Event()

    @contextmanager
    def opened(self, *, durable: bool) -> Iterator[None]:
        is_first = not self.has_begun.is_set()
        self.has_begun.set()
        self.may_go_on.wait(_LONG_S)
        yield
        if is_first:
            raise OSError("no space left")

    def attempt(self, fn: Callable[[Any], Any]) -> tuple[Any, BaseException | None]:
        return fn(None), None

    def close(self) -> None:
        pass


def test_a_group_of_which_all_gave_up_and_that_can_not_be_committed_does_not_end_the_writer() -> None:
    unlucky = Unlucky()
    writer = GroupWriter(unlucky, "writer")
    given_up = writer.submit(lambda _: 1, durable=True)
    unlucky.has_begun.wait(_LONG_S)
    assert given_up is not None
    assert given_up.cancel()
    unlucky.may_go_on.set()
    found = writer.submit(lambda _: 2, durable=True)
    assert found is not None
    assert found.result(_LONG_S) == 2
    writer.close(_LONG_S)
