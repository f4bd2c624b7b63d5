"""Who owns the connections to RabbitMQ? One thread of this process; everybody else asks it, and waits no longer than a bound."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from threading import Thread, current_thread
from typing import TypeVar

from pika.adapters.select_connection import IOLoop

from system.errors import BrokerAway

log = logging.getLogger(__name__)
# It tells of every failed try by a traceback; what matters of it is said by us.
logging.getLogger("pika").setLevel(logging.CRITICAL)

T = TypeVar("T")


class Reactor:
    """Runs calls one after another in its own thread. `wait_s` is how long anybody waits for an answer.

    `on_fault` are told in the thread of an error that nobody caught there: what it cut off does not go on by itself.
    """

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s
        self.loop = IOLoop()
        self.on_fault: list[Callable[[Exception], None]] = []
        self._is_over = False
        self._thread = Thread(target=self._run, name="rabbitmq", daemon=True)
        self._thread.start()

    def soon(self, call: Callable[[], None]) -> None:
        """Have `call` run in the thread."""
        if not self._is_over:
            self.loop.add_callback_threadsafe(call)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Have `call` run after `seconds`; to be said in the thread itself."""
        self.loop.call_later(seconds, call)

    def ask(self, begin: Callable[[Future[T]], None], what: str) -> T:
        """Have `begin` run in the thread, and return what it, or what follows, sets as the future's result.

        Raises what is set as its exception, and BrokerAway where nothing comes in time.
        """
        return self.answer(self.begin(begin), what)

    def begin(self, begin: Callable[[Future[T]], None]) -> Future[T]:
        """Have `begin` run in the thread; returns what becomes its answer."""
        assert current_thread() is not self._thread
        future: Future[T] = Future()

        def run() -> None:
            try:
                begin(future)
            except Exception as error:  # noqa: BLE001  handed to whoever asked
                fail(future, error)

        self.soon(run)
        return future

    def answer(self, future: Future[T], what: str) -> T:
        """Wait for `future`; as `ask`."""
        try:
            return future.result(self.wait_s)
        except TimeoutError:
            future.cancel()
            raise silent(self.wait_s, what) from None

    def stop(self) -> None:
        """End the thread. What was asked before is begun before it ends."""
        self.soon(self._end)
        if current_thread() is not self._thread:
            self._thread.join(self.wait_s)

    def _end(self) -> None:
        self._is_over = True
        self.loop.stop()

    def _run(self) -> None:
        while not self._is_over:
            try:
                self.loop.start()
            except Exception as error:  # the edge of this thread: no connection may end because of another one's fault
                log.exception("something went wrong in the connection to RabbitMQ", extra={"action": "rabbitmq_fault"})
                for told in self.on_fault:
                    told(error)
        self.loop.close()


def silent(seconds: float, what: str) -> BrokerAway:
    """Return the error for a server that said nothing for too long."""
    return BrokerAway(f"RabbitMQ did not answer within {seconds:g} s: {what}")


def settle(future: Future[T], value: T) -> None:
    """Answer `future`, unless nobody waits any more."""
    with suppress(InvalidStateError):
        future.set_result(value)


def fail(future: Future[T], error: BaseException) -> None:
    """Answer `future` by an error, unless nobody waits any more."""
    with suppress(InvalidStateError):
        future.set_exception(error)
