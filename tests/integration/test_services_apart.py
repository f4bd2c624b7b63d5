"""Can a server for tests run on a host of its own, and be cut off?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.services.mongodb import mongodb
from tests.services.postgresql import PostgreSQL
from tests.services.rabbitmq import RabbitMQ
from tests.services.server import Server
from tests.support.netns import Network, netns_or_skip
from tests.support.services import service_url
from tests.support.waiting import wait_until

pytestmark = pytest.mark.service


@pytest.fixture
def network() -> Iterator[Network]:
    netns_or_skip()
    with Network() as made:
        yield made


@pytest.mark.parametrize("kind", [RabbitMQ, PostgreSQL, mongodb], ids=lambda kind: kind.__name__.lower())
def test_a_server_on_a_host_is_reached_from_elsewhere_until_it_is_cut(
    kind: Callable[..., Server], network: Network, tmp_path: Path
) -> None:
    service_url("AMQP_URL")  # there are servers at all
    host = network.host("servers")
    with ExitStack() as stack:
        server = kind(tmp_path / "server", address=host.address, prefix=host.prefix)
        stack.callback(server.remove)
        assert f"@{host.address}:" in server.start().url or f"//{host.address}:" in server.url
        host.cut()
        assert not server.answers()
        host.heal()
        wait_until(server.answers, within_s=30.0, what="the server is in reach again")
