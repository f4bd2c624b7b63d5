"""How do the writes of many threads become few commits? One thread runs them in order, as many as wait in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

# What is kept waiting by a group should stay within moments; the next group starts at once.
GROUP_LIMIT = 256


class Transactions(Protocol):
    """What the writer needs of a database. All of it is called by the writer's thread."""

    def opened(self, *, durable: bool) -> AbstractContextManager[None]:
        """Hold a transaction: committed at the end, rolled back when an exception leaves it. `durable` waits for the disk."""
        ...

    def attempt(self, fn: Callable[[Any], Any]) -> tuple[Any, BaseException | None]:
        """Return what `fn` returned, or the exception it ended with, its own changes undone; raises when the whole transaction is lost."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


@dataclass(slots=True)
class _Work:
    fn: Callable[[Any], Any]
    future: Future[Any]
    durable: bool


class GroupWriter:
    """One writer thread. A future is resolved after the commit that holds its work."""

    def __init__(self, transactions: Transactions, name: str) -> None:
        self._transactions = transactions
        self._waiting: SimpleQueue[_Work | None] = SimpleQueue()
        self._lock = Lock()
        self._is_closed = False
        # A daemon: a process that forgets to close must still end; whoever waits for a future has it by then.
        self._thread = Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def submit(self, fn: Callable[[Any], T], *, durable: bool) -> Future[T] | None:
        """Return the future of `fn`'s result, committed after all that was submitted before; None when the writer is closed."""
        future: Future[T] = Future()
        with self._lock:
            if self._is_closed:
                return None
            self._waiting.put(_Work(fn, future, durable))
        return future

    def close(self, patience_s: float) -> bool:
        """Commit what waits and end the thread; returns whether it ended in time."""
        with self._lock:
            if not self._is_closed:
                self._is_closed = True
                self._waiting.put(None)
        self._thread.join(patience_s)
        return not self._thread.is_alive()

    def _serve(self) -> None:
        try:
            while group := self._next_group():
                self._commit(group)
                # Else the last results would live on until the next group comes.
                group.clear()
        finally:
            self._transactions.close()

    def _next_group(self) -> list[_Work]:
        """Return what waits, in order; empty at the end. Blocks until there is something."""
        group: list[_Work] = []
        try:
            work = self._waiting.get()
            while work is not None:
                group.append(work)
                if len(group) == GROUP_LIMIT:
                    return group
                work = self._waiting.get_nowait()
        except Empty:
            return group
        if group:
            self._waiting.put(None)
        return group

    def _commit(self, group: Sequence[_Work]) -> None:
        live: list[_Work] | None = None
        try:
            with self._transactions.opened(durable=any(work.durable for work in group)):
                # Only now: whoever gave up while this waited for the lock may count on it that nothing was written.
                live = [work for work in group if work.future.set_running_or_notify_cancel()]
                endings = [self._transactions.attempt(work.fn) for work in live]
        except BaseException as error:  # noqa: BLE001  the transaction's error belongs to everyone who waits for it
            # Asked once of each: a future that was told of its cancel takes no second question.
            live = [work for work in group if work.future.set_running_or_notify_cancel()] if live is None else live
            endings = [(None, error)] * len(live)
        for work, (result, failure) in zip(live, endings, strict=True):
            if failure is None:
                work.future.set_result(result)
            else:
                work.future.set_exception(failure)
