"""How is a batch of messages handed to RabbitMQ, and when is it safe? One write for all of them, then the wait for the last confirm."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import pika

from mq.rabbit_errors import of_channel
from mq.rabbit_frames import Letter, encoded
from mq.rabbit_reactor import fail, settle
from mq.rabbit_url import RabbitPlace
from system.errors import BrokerAway, HorariumError

CHANNEL = 1
# The routing keys that led nowhere.
Returned = frozenset[str]


@dataclass(slots=True)
class _Batch:
    data: bytes
    count: int
    future: Future[Returned]
    last: int = 0
    returned: set[str] = field(default_factory=set)
    is_refused: bool = False


class Publisher:
    """The publishing channel of a connection. Belongs to the reactor's thread; `soon` has something done there a moment later."""

    def __init__(self, place: RabbitPlace, soon: Callable[[Callable[[], None]], None]) -> None:
        self._place = place
        self._soon = soon
        self._connection: Any = None
        self._channel: Any = None
        self._backlog: list[_Batch] = []
        self._forget()

    def attach(self, connection: Any) -> None:
        """Open the channel on a new connection."""
        self._connection, self._channel = connection, None
        connection.channel(channel_number=CHANNEL, on_open_callback=self._on_open)

    def detach(self, error: BaseException) -> None:
        """Fail what was not confirmed: it may have arrived, or not."""
        lost, self._connection, self._channel = [*self._backlog, *self._sent], None, None
        self._backlog = []
        self._forget()
        for batch in lost:
            fail(batch.future, error)

    def give_up(self, error: BaseException) -> None:
        """Let nobody wait any longer; what was sent may arrive all the same."""
        for batch in (*self._backlog, *self._sent):
            fail(batch.future, error)

    def send(self, letters: Sequence[Letter], future: Future[Returned]) -> None:
        """Publish `letters`; `future` becomes the routing keys that led nowhere, once all is safe."""
        if self._connection is None:
            fail(future, BrokerAway(f"RabbitMQ at {self._place.shown} is away"))
            return
        batch = _Batch(encoded(CHANNEL, letters), len(letters), future)
        if self._channel is None:
            self._backlog.append(batch)
        else:
            self._write(batch)

    def _write(self, batch: _Batch) -> None:
        self._number += batch.count
        batch.last = self._number
        self._sent.append(batch)
        # The public way makes six objects of each message, which takes ten times as long.
        self._connection._output_marshaled_frames([batch.data])

    def _forget(self) -> None:
        self._sent: deque[_Batch] = deque()
        self._number = self._confirmed = 0
        self._early: set[int] = set()

    def _on_open(self, channel: Any) -> None:
        channel.add_on_return_callback(self._on_return)
        channel.add_on_close_callback(self._on_close)
        channel.confirm_delivery(self._on_confirm, callback=lambda _: self._ready(channel))

    def _ready(self, channel: Any) -> None:
        self._channel = channel
        backlog, self._backlog = self._backlog, []
        for batch in backlog:
            self._write(batch)

    def _on_close(self, channel: Any, error: BaseException) -> None:
        connection = self._connection
        if connection is None or channel is not self._channel:
            return
        self.detach(error if isinstance(error, HorariumError) else of_channel(error, self._place))
        # Its number is free once all that is told of its end have heard.
        self._soon(lambda: self._attach_again(connection))

    def _attach_again(self, connection: Any) -> None:
        if self._connection is None and connection.is_open:
            self.attach(connection)

    def _on_return(self, _channel: Any, method: Any, _properties: Any, _body: bytes) -> None:
        # A message comes back before it is confirmed; which batch it was of can't be told where several are on their way.
        for batch in self._sent:
            batch.returned.add(method.routing_key)

    def _on_confirm(self, frame: Any) -> None:
        tag, is_refused = frame.method.delivery_tag, isinstance(frame.method, pika.spec.Basic.Nack)
        if is_refused:
            for batch in self._sent:
                batch.is_refused = batch.is_refused or batch.last - batch.count < tag
        if frame.method.multiple:
            self._confirmed = max(self._confirmed, tag)
            self._early = {early for early in self._early if early > tag}
        else:
            self._early.add(tag)
        while self._confirmed + 1 in self._early:
            self._confirmed += 1
            self._early.discard(self._confirmed)
        while self._sent and self._sent[0].last <= self._confirmed:
            self._finish(self._sent.popleft())

    def _finish(self, batch: _Batch) -> None:
        if batch.is_refused:
            text = f"RabbitMQ at {self._place.shown} did not accept messages: a queue is full, or without a leader"
            fail(batch.future, BrokerAway(text))
        else:
            settle(batch.future, frozenset(batch.returned))
