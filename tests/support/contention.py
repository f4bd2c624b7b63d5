"""How do many fight for the same records? Processes, each with a store of its own, where the store can be shared; else threads.

The processes are kept for the whole run and come from a forkserver, which imported the backends before: so a fight costs no start.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from typing import TypeVar

from db.store import Store
from tests.support.stores import PATIENCE_S, race

T = TypeVar("T")
FIGHTERS = 8

_start: list[Barrier] = []


class Arena:
    """A place for fights over one store. `url` opens it in another process; empty where it lives in this one only."""

    def __init__(self, store: Store, url: str, crowd: Callable[[], ProcessPoolExecutor]) -> None:
        self._store = store
        self._url = url
        self._crowd = crowd

    def fight(self, act: Callable[[Store, int], T]) -> list[T]:
        """Do `act(store, 0)` to `act(store, 7)` at once; returns what they returned, in order. `act` is a module's own function."""
        if not self._url:
            return race(FIGHTERS, lambda number: act(self._store, number))
        begun = [self._crowd().submit(_act, act, self._url, number) for number in range(FIGHTERS)]
        return [future.result(timeout=2 * PATIENCE_S) for future in begun]


@contextmanager
def crowd_of_processes() -> Iterator[ProcessPoolExecutor]:
    """Be the processes that fight; they start with the first fight."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "db.sql", "db.mongo"])
    with ProcessPoolExecutor(FIGHTERS, context, initializer=_keep, initargs=(context.Barrier(FIGHTERS),)) as crowd:
        yield crowd


def _keep(start: Barrier) -> None:
    _start.append(start)


def _act(act: Callable[[Store, int], T], url: str, number: int) -> T:
    """Run in a process of the crowd: open the store, wait for the others, act."""
    from db.urls import open_store

    store = open_store(url)
    try:
        store.projected_turn()  # so that nobody is late for having to connect
        _start[0].wait(PATIENCE_S)
        return act(store, number)
    finally:
        store.close()
