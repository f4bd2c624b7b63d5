"""How does a connection to RabbitMQ stay? It is made anew whenever it was lost, with growing pauses; meanwhile it says why it is away."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pika

from mq.rabbit_errors import of_connecting, of_losing
from mq.rabbit_reactor import Reactor, fail, settle
from mq.rabbit_tls import context_of
from mq.rabbit_url import RabbitPlace
from mq.rabbit_wire import Wire
from system.errors import BrokerAway, ConfigError, HorariumError

log = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0


class Link:
    """One connection. All but `problem` and `blocked` belongs to the reactor's thread.

    `on_up` is called with each new connection, `on_down` with the error whenever it was lost, `on_blocked` when the server takes no more
    messages. `problem` says why there is none, None where there is one. `blocked` is why the server takes no messages, None where it does.
    """

    def __init__(
        self,
        reactor: Reactor,
        place: RabbitPlace,
        name: str,
        on_up: Callable[[Any], None],
        on_down: Callable[[HorariumError], None],
        on_blocked: Callable[[HorariumError], None],
    ) -> None:
        self._reactor = reactor
        reactor.on_fault.append(self._faulted)
        self._place = place
        self._name = name
        self._parameters = parameters_of(place, name)
        self._on_up = on_up
        self._on_down = on_down
        self._on_blocked = on_blocked
        self._connection: Any = None
        self._waiting: list[Future[Any]] = []
        self._pause_s = FIRST_PAUSE_S
        self._is_wanted = False
        self._farewell: Future[None] | None = None
        self.problem: HorariumError | None = BrokerAway(f"RabbitMQ at {place.shown} was not asked yet")
        self.blocked: BrokerAway | None = None

    def open(self, future: Future[Any]) -> None:
        """Connect unless that was done; `future` becomes the connection, or the first error."""
        if self.problem is None:
            settle(future, self._connection)
        elif self._is_wanted and not self._waiting:
            fail(future, self.problem)
        else:
            self._waiting.append(future)
            if not self._is_wanted:
                self._is_wanted = True
                self._connect()

    def close(self, future: Future[None]) -> None:
        """Let go of the connection for good."""
        self._is_wanted = False
        self._farewell = future
        connection = self._connection
        if connection is None or connection.is_closed:
            settle(future, None)
        elif not connection.is_closing:
            connection.close()

    def _connect(self) -> None:
        if self._is_wanted:
            self._read_again()
            self._connection = Wire(
                self._parameters, self._opened, self._not_opened, self._closed, custom_ioloop=self._reactor.loop
            )

    def _read_again(self) -> None:
        """Go by the files of TLS as they are now: certificates are replaced while all runs, and old ones end."""
        if self._place.is_tls:
            try:
                self._parameters = parameters_of(self._place, self._name)
            except ConfigError as error:
                log.warning("%s; connecting with what they held before", error, extra={"action": "rabbitmq_tls_files"})

    def _opened(self, connection: Any) -> None:
        if not self._is_wanted or connection is not self._connection:
            connection.close()
            return
        connection.add_on_connection_blocked_callback(self._was_blocked)
        connection.add_on_connection_unblocked_callback(self._was_unblocked)
        if self._pause_s > FIRST_PAUSE_S:
            log.info("RabbitMQ at %s is there again", self._place.shown, extra={"action": "rabbitmq_there"})
        self._pause_s, self.problem = FIRST_PAUSE_S, None
        self._on_up(connection)
        for future in self._answered():
            settle(future, connection)

    def _not_opened(self, connection: Any, error: BaseException) -> None:
        if connection is not self._connection:  # it was given up before
            return
        self._connection = None
        if self._farewell:
            settle(self._farewell, None)
            return
        self.problem = of_connecting(error, self._place)
        for future in self._answered():
            fail(future, self.problem)
        self._connect_later()

    def _closed(self, connection: Any, error: BaseException) -> None:
        if connection is not self._connection:
            return
        self._connection, self.blocked = None, None
        if self._farewell:
            settle(self._farewell, None)
            return
        self.problem = of_losing(error, self._place)
        log.warning("%s; connecting anew", self.problem, extra={"action": "rabbitmq_lost"})
        self._on_down(self.problem)
        self._connect_later()

    def _faulted(self, error: Exception) -> None:
        """Give up what is being opened: where pika was refused a socket, say, it never tells how an attempt ended."""
        if self._connection is not None and self.problem is not None:
            self._not_opened(self._connection, error)

    def _connect_later(self) -> None:
        self._reactor.later(self._pause_s, self._connect)
        self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * 2)

    def _answered(self) -> list[Future[Any]]:
        waiting, self._waiting = self._waiting, []
        return waiting

    def _was_blocked(self, _connection: Any, frame: Any) -> None:
        why = frame.method.reason or "no reason was given"
        self.blocked = BrokerAway(f"RabbitMQ at {self._place.shown} takes no messages just now: {why}")
        log.warning("%s", self.blocked, extra={"action": "rabbitmq_blocked"})
        self._on_blocked(self.blocked)

    def _was_unblocked(self, _connection: Any, _frame: Any) -> None:
        self.blocked = None
        log.info("RabbitMQ at %s takes messages again", self._place.shown, extra={"action": "rabbitmq_unblocked"})


def parameters_of(place: RabbitPlace, name: str) -> Any:
    """Return pika's parameters; raises ConfigError for TLS files that can't be used."""
    found = pika.ConnectionParameters(
        host=place.host,
        port=place.port,
        virtual_host=place.vhost,
        credentials=pika.PlainCredentials(place.user, place.password),
        heartbeat=place.heartbeat_s,
        socket_timeout=place.wait_s / 2,
        stack_timeout=place.wait_s * 0.9,
        connection_attempts=1,
        client_properties={"connection_name": name, "product": "Horarium"},
    )
    if place.is_tls:
        found.ssl_options = pika.SSLOptions(context_of(place), place.server_name or place.host)
    return found
