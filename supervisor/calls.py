"""How does the keeper ask the store without waiting for it? Its calls run in threads of their own; it looks whether they are over."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_AT_ONCE = 2


class Calls(ABC):
    """Runs calls, two at a time: a write that waits for a lock must not hold up a look."""

    @abstractmethod
    def submit(self, fn: Callable[[], T]) -> Future[T]:
        """Return the future of what `fn` returns or raises, without waiting."""

    @abstractmethod
    def close(self) -> None:
        """Take no more calls. Does not wait for the one that runs."""


class AtOnce(Calls):
    """Runs each call where it is submitted: for tests."""

    def submit(self, fn: Callable[[], T]) -> Future[T]:
        """See Calls."""
        future: Future[T] = Future()
        _run(fn, future)
        return future

    def close(self) -> None:
        """See Calls."""


class CallThreads(Calls):
    """Runs calls in threads, and calls `on_end` after each. Daemons: a store that never answers must not keep a process from ending."""

    def __init__(self, on_end: Callable[[], None]) -> None:
        self._on_end = on_end
        self._waiting: SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = SimpleQueue()
        for _ in range(_AT_ONCE):
            Thread(target=self._serve, name="calls", daemon=True).start()

    def submit(self, fn: Callable[[], T]) -> Future[T]:
        """See Calls."""
        future: Future[T] = Future()
        self._waiting.put((fn, future))
        return future

    def close(self) -> None:
        """See Calls."""
        for _ in range(_AT_ONCE):
            self._waiting.put(None)

    def _serve(self) -> None:
        while (call := self._waiting.get()) is not None:
            _run(*call)
            self._on_end()


@dataclass(frozen=True, slots=True)
class Asked(Generic[T]):
    """One call that is under way, since `since_s`."""

    future: Future[T]
    since_s: float

    @property
    def is_over(self) -> bool:
        """Whether it has returned or raised."""
        return self.future.done()

    def result(self) -> T:
        """Return what it returned; raises what it raised. Only once it is over."""
        return self.future.result(0)


def _run(fn: Callable[[], T], future: Future[T]) -> None:
    try:
        future.set_result(fn())
    except BaseException as error:  # noqa: BLE001  it belongs to whoever asked
        future.set_exception(error)
