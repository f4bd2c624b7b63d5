"""What does an error of pika mean to whoever runs Horarium? Never with the password."""

from __future__ import annotations

from collections.abc import Iterator

from pika import exceptions as amqp

from mq.rabbit_tls import of_refusal
from mq.rabbit_url import RabbitPlace
from system.errors import BrokerAway, BrokerError, HorariumError

NOT_FOUND, PRECONDITION_FAILED = 404, 406


def of_connecting(error: BaseException, place: RabbitPlace) -> HorariumError:
    """Return what it means that no connection was made. BrokerError where waiting will not help, else BrokerAway."""
    causes = list(_causes(error))
    if any(isinstance(cause, amqp.ProbableAuthenticationError | amqp.AuthenticationError) for cause in causes):
        return BrokerError(f"RabbitMQ at {place.shown} refuses this user or password; mend the broker's URL, or `rabbitmqctl add_user` it")
    if any(_is_denied(cause) for cause in causes):
        return BrokerError(
            f"RabbitMQ at {place.shown} has no vhost {place.vhost!r} for user {place.user!r}; "
            f"`rabbitmqctl add_vhost {place.vhost}`, then `rabbitmqctl set_permissions -p {place.vhost} {place.user} '.*' '.*' '.*'`"
        )
    if refusal := of_refusal(causes, place):
        return refusal
    if any(isinstance(cause, amqp.IncompatibleProtocolError) for cause in causes):
        return BrokerAway(f"what listens at {place.shown} ended the connection before it began: is it RabbitMQ, and {_other_reason(place)}")
    return BrokerAway(f"RabbitMQ can't be reached at {place.shown}: {_plain(causes)}; is it running, and is the broker's URL right?")


def of_losing(error: BaseException, place: RabbitPlace) -> BrokerAway:
    """Return what it means that a connection was lost."""
    return BrokerAway(f"the connection to RabbitMQ at {place.shown} was lost: {_plain(list(_causes(error)))}")


def of_channel(error: BaseException, place: RabbitPlace) -> HorariumError:
    """Return what it means that a channel was closed."""
    if not isinstance(error, amqp.ChannelClosedByBroker):
        return BrokerAway(f"the channel to RabbitMQ at {place.shown} was lost: {error}")
    if error.reply_code == PRECONDITION_FAILED and "inequivalent arg" in error.reply_text:
        return BrokerError(
            f"RabbitMQ at {place.shown} has this queue or exchange with other properties: {error.reply_text}; "
            "delete it there while nothing runs, or say ?queue_type=... and ?delivery_limit=... as when it was made"
        )
    return BrokerError(f"RabbitMQ at {place.shown} refused: {error.reply_text}")


def _other_reason(place: RabbitPlace) -> str:
    if not place.is_tls:
        return "is this its port without TLS? The one with TLS takes amqps://"
    if place.cert_file:
        return f"does it take the certificate {place.cert_file}?"
    return "does it want a certificate from us (?cert_file=, ?key_file=)?"


def is_missing(error: BaseException | None) -> bool:
    """Return whether a channel was closed since a queue or an exchange is not there."""
    return isinstance(error, amqp.ChannelClosedByBroker) and error.reply_code == NOT_FOUND


def _is_denied(error: BaseException) -> bool:
    # 530 and 403: the vhost is not there, or not for this user.
    closed_so = isinstance(error, amqp.ConnectionClosedByBroker) and error.reply_code in (403, 530)
    return closed_so or isinstance(error, amqp.ProbableAccessDeniedError)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what pika packed into it, the outermost first."""
    yield error
    packed = [*getattr(error, "exceptions", ()), getattr(error, "exception", None), *error.args, error.__cause__]
    for inner in packed:
        if isinstance(inner, BaseException):
            yield from _causes(inner)


def _plain(causes: list[BaseException]) -> str:
    """Return the innermost words that say something."""
    for cause in reversed(causes):
        if isinstance(cause, OSError):
            return (cause.strerror or str(cause) or type(cause).__name__).lower()
        if isinstance(cause, amqp.ConnectionOpenAborted) and "Timeout" in str(cause):  # the rest is of pika's inner life
            return "whoever listens there took the connection and said nothing"
        if isinstance(cause, amqp.ConnectionClosed):
            return f"{cause.reply_text}"
    last = causes[-1]
    return str(last) or type(last).__name__
