"""Which broker does a URL name?"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mq.broker import Broker
from mq.memory import MemoryBroker
from system.clock import RealClock
from system.errors import ConfigError

if TYPE_CHECKING:
    from system.sqlfile import SqlFile

BELLS = "bells"


def open_broker(url: str, *, file: SqlFile | None, var: Path) -> Broker:
    """Return the broker that `url` names, not yet prepared.

    `file` is the store's, where it is SQLite; the embedded queue lives in it, and is to be closed before the store. `var` is the
    folder for what a deployment keeps on this box. Raises ConfigError for a URL that names no broker, BrokerError for a `var` that
    can't be used.
    """
    if url == "memory:":
        return MemoryBroker()
    if url.startswith(("amqp://", "amqps://")):
        from mq.rabbit import RabbitBroker
        from mq.rabbit_url import place_of

        return RabbitBroker(place_of(url), RealClock())
    if url != "embedded:":
        raise ConfigError(
            f"the broker's URL {_shown(url)!r} can't be used; write embedded: (a queue in the SQLite store) or "
            "amqp://user:password@host/vhost (RabbitMQ)"
        )
    if file is None:
        raise ConfigError("the broker embedded: lives in an SQLite store, and this store is none; use sqlite:///..., or another broker")
    # Late, as an import of SQLAlchemy takes a moment that not every command should wait for.
    from mq.doorbell import Belfry
    from mq.embedded import EmbeddedBroker

    return EmbeddedBroker(file, Belfry(var / BELLS))


def certificates_left_s(url: str, now: datetime) -> dict[str, float]:
    """Return for how many seconds those certificates are good by which we and the broker know each other; empty without TLS."""
    if not url.startswith("amqps://"):
        return {}
    from mq.rabbit_tls import lasting_s
    from mq.rabbit_url import place_of

    return lasting_s(place_of(url), now)


def _shown(url: str) -> str:
    """Return `url` without what may be a password."""
    front, at, back = url.rpartition("@")
    return f"{front.partition('://')[0]}://...@{back}" if at else url
