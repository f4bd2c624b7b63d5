"""A PostgreSQL or MariaDB that is stopped, or killed, in the middle, and started again: does everything go on by itself?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from db.urls import open_store
from system.context import REPORT_QUEUE
from system.context_check import load_context
from system.lanes import managed_queues
from tests.services.mariadb import MariaDB
from tests.services.postgresql import PostgreSQL
from tests.services.server import Server
from tests.support.outage import CLOCK, HOURS, LEASE_S, BreathingDeployment, Outage
from tests.support.rabbit import delete, own_place, url_of
from tests.support.services import service_url
from tests.support.waiting import wait_until

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
        up = deployment.start("up", "--until-done")
        wait_until(lambda: len(deployment.ended()) >= 2 and len(deployment.under_way()) >= 3, within_s=60, what="jobs under way")
        outage.begin()
        begun_s = CLOCK.monotonic()
        wait_until(lambda: deployment.is_silent() and CLOCK.monotonic() - begun_s > 2 * LEASE_S, what="all that ran to have ended itself")
        interrupted = deployment.under_way()
        outage.end()
        _, err = up.communicate(timeout=120)
        assert up.returncode == 0, err
        assert (len(deployment.ended()), deployment.ran_twice_at_once()) == (HOURS, [])
        with closing(open_store(outage.url)) as store:
            uows = store.uows([f"{process}/{period}/1/1" for process, period in deployment.ended()])
        assert (len(uows), [uow.id for uow in uows if uow.failures]) == (HOURS, [])
        assert interrupted.keys() <= {(uow.process, uow.timeperiod) for uow in uows if uow.losses}
    finally:
        deployment.end()
