"""How are questions put to RabbitMQ that may fail? One at a time on a channel of their own, which is made anew after a refusal."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from mq.rabbit_reactor import fail, settle
from mq.rabbit_url import RabbitPlace
from system.errors import BrokerAway

# Asks something of a channel, and has the answer given to a callback.
Errand = Callable[[Any, Callable[[Any], None]], None]


class Errands:
    """The asking channel of a connection. Belongs to the reactor's thread. A refusal is the exception that pika says."""

    def __init__(self, place: RabbitPlace) -> None:
        self._place = place
        self._connection: Any = None
        self._channel: Any = None
        self._waiting: deque[tuple[Errand, Future[Any]]] = deque()
        self._current: Future[Any] | None = None

    def attach(self, connection: Any) -> None:
        """Open the channel on a new connection."""
        self._connection, self._channel = connection, None
        connection.channel(on_open_callback=self._on_open)

    def detach(self, error: BaseException) -> None:
        """Fail all that is asked."""
        asked = [*([self._current] if self._current else []), *(future for _, future in self._waiting)]
        self._connection = self._channel = self._current = None
        self._waiting.clear()
        for future in asked:
            fail(future, error)

    def give_up(self, error: BaseException) -> None:
        """Let nobody wait any longer; what was asked before may be done all the same."""
        for future in (*([self._current] if self._current else []), *(future for _, future in self._waiting)):
            fail(future, error)

    def run(self, errand: Errand, future: Future[Any]) -> None:
        """Ask; `future` becomes the frame of the answer."""
        if self._connection is None:
            fail(future, BrokerAway(f"RabbitMQ at {self._place.shown} is away"))
            return
        self._waiting.append((errand, future))
        self._go_on()

    def _on_open(self, channel: Any) -> None:
        channel.add_on_close_callback(self._on_close)
        self._channel = channel
        self._go_on()

    def _on_close(self, channel: Any, error: BaseException) -> None:
        if self._connection is None or channel is not self._channel:
            return
        current, self._current, self._channel = self._current, None, None
        if current:
            fail(current, error)
        if self._connection.is_open:
            self.attach(self._connection)

    def _go_on(self) -> None:
        if self._channel is None or self._current is not None:
            return
        while self._waiting:
            errand, future = self._waiting.popleft()
            if not future.done():  # else nobody waits for it any more
                self._current = future
                errand(self._channel, self._answered)
                return

    def _answered(self, frame: Any) -> None:
        current, self._current = self._current, None
        if current:
            settle(current, frame)
        self._go_on()
