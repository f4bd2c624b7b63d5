"""How do many threads of a web server ask one desk? One thread does all the asking, by one connection; nobody waits for ever.

What is not answered in time is answered by Unavailable, and goes on beside; while it does, what is asked next waits behind it. So whoever
is late is told what the thread is at, which may be another one's question.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from functools import update_wrapper
from queue import Empty, SimpleQueue
from threading import Thread, current_thread
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from launcher import beside
from mx.errors import Busy
from system.errors import BrokerAway, Unavailable

log = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")
_PATIENCE_S = 10.0
_OF_STORE = ("db", "mq")  # a broker that is a server is asked by threads of its own: what is asked of `mq` here lies in the store's file
_OURS = ("scheduler", "launcher", "system", "workers", "supervisor", "settings")


class Asker:
    """A thread that runs what is asked, one after the other. `idle` is called by it every `idle_s` seconds or so, `before` before each
    question, which must not raise.
    """

    def __init__(
        self,
        *,
        idle: Callable[[], object],
        before: Callable[[], object] = lambda: None,
        idle_s: float = 1.0,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self._idle, self._before, self._idle_s, self._patience_s = idle, before, idle_s, patience_s
        self._said = ""  # of what `idle` failed last
        self._asked: SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="desk", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer what was asked before, and end."""
        self._asked.put(None)
        self._thread.join(self._patience_s)

    def ask(self, question: Callable[[], T]) -> T:
        """Return what `question` returns or raise what it raises; raises Unavailable when that takes too long."""
        if current_thread() is self._thread:
            return question()
        future: Future[T] = Future()
        self._asked.put((question, future))
        try:
            return future.result(self._patience_s)
        except TooLate:
            future.cancel()
            raise _refusal(list(_modules_of(self._thread)), self._patience_s) from None

    def _run(self) -> None:
        self._rest()
        while True:
            try:
                asked = self._asked.get(timeout=self._idle_s)
            except Empty:
                self._rest()
                continue
            if asked is None:
                return
            question, future = asked
            if not future.set_running_or_notify_cancel():
                continue  # nobody waits for it any more
            try:
                self._before()
                future.set_result(question())
            except Exception as error:  # noqa: BLE001  handed to whoever asked
                future.set_exception(error)

    def _rest(self) -> None:
        """Call `idle`. Whatever it raises, questions go on being answered; the same failure is told once, not every second."""
        try:
            self._idle()
        except Exception as error:
            if repr(error) != self._said:
                log.exception("what is done while nothing is asked has failed", extra={"action": "idle_failed"})
            self._said = repr(error)
        else:
            self._said = ""


def _modules_of(thread: Thread) -> Iterator[str]:
    """Yield the modules whose functions a thread is in, the innermost first."""
    frame = sys._current_frames().get(thread.ident or 0)
    while frame is not None:
        yield str(frame.f_globals.get("__name__", ""))
        frame = frame.f_back


def _refusal(modules: list[str], patience_s: float) -> Unavailable:
    """Return what to say of an answer that is late, by where the thread is that answers."""
    late, look = f"has not answered for {patience_s:g} s", "`launch.py doctor` tells what is wrong with it"
    if beside.__name__ in modules:
        return BrokerAway(f"the broker {late}; {look}")
    if any(module.partition(".")[0] in _OF_STORE for module in modules):
        return Unavailable(f"the store {late}; {look}")
    where = next((module for module in modules if module.partition(".")[0] in _OURS), modules[0] if modules else "no thread")
    return Busy(f"the dashboard {late}: it is still at this question, or at one before it (in {where}); store and broker don't hold it up")


class HasAsker(Protocol):
    """A desk whose questions are answered by one thread."""

    @property
    def asker(self) -> Asker:
        """Who asks."""
        ...


D = TypeVar("D", bound=HasAsker)


def asked(method: Callable[Concatenate[D, P], T]) -> Callable[Concatenate[D, P], T]:
    """Have a method of a desk answered by its one thread. One that asks another is answered at once."""

    def answered(desk: D, /, *given: P.args, **named: P.kwargs) -> T:
        return desk.asker.ask(lambda: method(desk, *given, **named))

    update_wrapper(answered, method)
    return answered
