"""A PostgreSQL or MariaDB that is stopped, or killed, in the middle, and started again: does everything go on by itself?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from system.context import REPORT_QUEUE
from system.context_check import load_context
from system.lanes import managed_queues
from tests.services.mariadb import MariaDB
from tests.services.postgresql import PostgreSQL
from tests.services.server import Server
from tests.support.outage import BreathingDeployment, Outage, outlasted
from tests.support.rabbit import delete, own_place, url_of
from tests.support.services import service_url

pytestmark = pytest.mark.service

KINDS: dict[str, type[Server]] = {"postgresql": PostgreSQL, "mariadb": MariaDB}
NEEDED = {"postgresql": "POSTGRES_URL", "mariadb": "MARIADB_URL"}


class Down(Outage):
    """A server of the test's own that ends, as it is told to or as by `kill -9`, and comes back."""

    def __init__(self, server: Server, broker_url: str, *, is_killed: bool) -> None:
        self._server, self._is_killed, self.url = server, is_killed, server.url
        self.environ = {"HORARIUM_STORE_URL": server.url, "HORARIUM_BROKER_URL": broker_url}

    def begin(self) -> None:
        """See Outage."""
        if self._is_killed:
            self._server.kill()
        else:
            self._server.stop()

    def end(self) -> None:
        """See Outage."""
        self._server.start()


@pytest.fixture(params=[("postgresql", False), ("mariadb", True)], ids=["postgresql-stopped", "mariadb-killed"])
def outage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Outage]:
    """A server that can be taken away, and queues beside it."""
    name, is_killed = request.param
    service_url(NEEDED[name])  # where the shared one is not wanted, this one is not either
    place, server = own_place(), KINDS[name](tmp_path / name)
    try:
        yield Down(server.start(), url_of(place), is_killed=is_killed)
        made = load_context(str(tmp_path / "context.py"), "")
        delete(place, [REPORT_QUEUE, *managed_queues(made)])
    finally:
        server.remove()


def test_workers_and_scheduler_go_on_when_the_server_is_back(outage: Outage, tmp_path: Path) -> None:
    deployment = BreathingDeployment(tmp_path, outage, seconds=2.5)
    try:
        assert outlasted(deployment, outage).keys() <= set(deployment.ended())
    finally:
        deployment.end()
