"""The store away for longer than a lease while jobs run, then back: does no job run twice at once, is none lost, and is what ended itself
due again and counted as a loss, not as a failure? With real processes, on each backend.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from db.urls import open_store
from system.context import REPORT_QUEUE
from system.lanes import both_lanes
from tests.support.link import Link
from tests.support.outage import (
    CLOCK,
    HOURS,
    LEASE_S,
    BreathingDeployment,
    Locked,
    Moved,
    Outage,
    Parted,
    own_mariadb,
    own_mongodb,
    own_postgresql,
    own_rabbit,
)
from tests.support.waiting import wait_until

# How the store goes away: its server says nothing any more, or refuses as one that was killed.
OWN = {"mongodb": own_mongodb, "postgresql": own_postgresql, "mariadb": own_mariadb}
MARKS = [pytest.mark.service, pytest.mark.waiting]
SERVERS = [pytest.param(f"{server} {how}", marks=MARKS) for server in OWN for how in ("hangs", "refuses")]


@pytest.fixture
def outage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Outage]:
    """A store that can be taken away, as the test asks; one on a server has its queues on RabbitMQ."""
    server, _, how = request.param.partition(" ")
    if server in ("moved", "locked"):
        yield Moved(tmp_path) if server == "moved" else Locked(tmp_path)
        return
    with OWN[server]() as url, own_rabbit([REPORT_QUEUE, *both_lanes(["queue_a_hourly"])]) as broker_url, Link(url) as link:
        yield Parted(link, url, broker_url, hangs=how == "hangs")


@pytest.fixture
def deployment(outage: Outage, tmp_path: Path) -> Iterator[BreathingDeployment]:
    """Some hours, of 2 s each, over that store; everything ends with the test."""
    made = BreathingDeployment(tmp_path, outage, seconds=2.0)
    yield made
    made.end()


@pytest.mark.parametrize("outage", ["moved", "locked", *SERVERS], indirect=True)
def test_a_store_that_is_away_for_longer_than_a_lease_costs_losses_and_nothing_else(
    deployment: BreathingDeployment, outage: Outage
) -> None:
    up = deployment.start("up", "--until-done")
    wait_until(lambda: len(deployment.ended()) >= 2 and len(deployment.under_way()) >= 3, within_s=30, what="jobs under way")
    outage.begin()
    begun_s = CLOCK.monotonic()
    wait_until(lambda: deployment.is_silent() and CLOCK.monotonic() - begun_s > 2 * LEASE_S, what="all that ran to have ended itself")
    interrupted = deployment.under_way()
    assert interrupted
    outage.end()
    _, err = up.communicate(timeout=60)
    assert up.returncode == 0, err
    assert (len(deployment.ended()), deployment.ran_twice_at_once()) == (HOURS, [])
    with closing(open_store(outage.url)) as store:
        uows = store.uows([f"{process}/{period}/1/1" for process, period in deployment.ended()])
    assert (len(uows), [uow.id for uow in uows if uow.failures]) == (HOURS, [])
    assert interrupted.keys() <= {(uow.process, uow.timeperiod) for uow in uows if uow.losses}
