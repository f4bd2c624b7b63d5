"""How is something asked that may never answer? In a thread of its own, which is left behind where it takes too long."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

from system.errors import HorariumError

T = TypeVar("T")


class TooSlow(HorariumError):
    """There was no answer in time; whoever was asked may still be at it."""


def within(seconds: float, ask: Callable[[], T], *, late: Callable[[T], object] = lambda _: None) -> T:
    """Return what `ask` returns, or raise what it raises; raises TooSlow where it takes longer than that.

    `late` is given what comes after that, in the thread that was left behind.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(ask())
        except BaseException as error:  # noqa: BLE001  whoever waits is given it
            future.set_exception(error)

    Thread(target=run, name="bounded", daemon=True).start()
    try:
        return future.result(seconds)
    except TimeoutError as error:
        if future.done():
            return future.result()
        future.add_done_callback(lambda done: None if done.exception() else late(done.result()))
        raise TooSlow(f"no answer within {seconds:g} s") from error
