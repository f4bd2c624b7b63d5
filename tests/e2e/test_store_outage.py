"""The store away for longer than a lease while jobs run, then back: does no job run twice at once, is none lost, and is what ended itself
due again and counted as a loss, not as a failure? With real processes, on each backend.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from system.context import REPORT_QUEUE
from system.lanes import both_lanes
from tests.support.link import Link
from tests.support.mongo_server import own_mongodb
from tests.support.outage import (
    BreathingDeployment,
    Locked,
    Moved,
    Outage,
    Parted,
    outlasted,
    own_mariadb,
    own_postgresql,
    own_rabbit,
)

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
    assert outlasted(deployment, outage)
