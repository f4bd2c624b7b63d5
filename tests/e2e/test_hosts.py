"""Is nothing lost and nothing doubled while cables of a deployment over several hosts are pulled and put back?

A scheduler each on two hosts, a worker each on two others, store and broker at the switch between them. What can't be reached looks as
in life: connections hang, nobody is told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from db.urls import erase_store
from mq.rabbit_url import place_of
from system.context import REPORT_QUEUE
from system.context_check import load_context
from system.lanes import managed_queues
from system.lifecycle import JobState
from system.timeperiod import HOURLY, Timeperiod
from tests.support.hub import Hub
from tests.support.netns import Network, netns_or_skip
from tests.support.rabbit import delete
from tests.support.services import service_url
from tests.support.several_boxes import FIRST, Line, SeveralBoxes
from tests.support.waiting import wait_until

SCHEDULERS, WORKERS = ("head1", "head2"), ("work1", "work2")
SECONDS = 3.0  # of a run: shorter than a worker may live without a beat
LEASE = {"HORARIUM_LEASE_S": "6", "HORARIUM_BEAT_S": "0.5"}

pytestmark = [pytest.mark.service, pytest.mark.waiting]


@pytest.fixture
def network() -> Iterator[Network]:
    netns_or_skip()
    with Network() as made:
        yield made


@pytest.fixture(params=["MONGODB_URL"])
def hosts(request: pytest.FixtureRequest, network: Network, tmp_path: Path) -> Iterator[SeveralBoxes]:
    """Four hosts that work."""
    mark = uuid4().hex[:8]
    store, broker = urlsplit(service_url(request.param)), urlsplit(service_url("AMQP_URL"))
    assert store.hostname
    assert broker.hostname
    ports = store.port or 0, broker.port or 0
    with Hub(network.address, store.hostname, ports[0]) as to_store, Hub(network.address, broker.hostname, ports[1]) as to_broker:
        path = f"/hosts_{mark}" if request.param == "MONGODB_URL" else store.path
        login = f"{broker.username}:{broker.password}@"
        near_store = store._replace(path=path).geturl()
        made = SeveralBoxes(tmp_path, store_url=near_store, speed=1_800.0, seconds=SECONDS)
        seen = {
            "HORARIUM_STORE_URL": near_store.replace(f"{store.hostname}:{store.port}", to_store.place),
            "HORARIUM_BROKER_URL": f"amqp://{login}{to_broker.place}/?prefix=hosts_{mark}_&heartbeat_s=5",
            **LEASE,
        }
        for kind, names in (("scheduler", SCHEDULERS), ("worker.1", WORKERS)):
            for name in names:
                made.start(kind, name, before=network.host(name).prefix, **seen)
        try:
            made.all_hot(*SCHEDULERS)
            wait_until(lambda: {line.box for line in made.lines()} == set(WORKERS), within_s=40, what="both workers to work")
            yield made
        finally:
            made.end()
            erase_store(near_store)
            near_broker = place_of(f"{service_url('AMQP_URL').rstrip('/')}/?prefix=hosts_{mark}_")
            delete(near_broker, [REPORT_QUEUE, *managed_queues(load_context(str(tmp_path / "context.py"), ""))])


def judge(hosts: SeveralBoxes, more: int) -> None:
    """Wait until `more` hours after those so far are finished; fails where one is lost, doubled, or ran twice at once."""
    count = len({line.period for line in hosts.lines() if line.period.startswith("a_hourly")}) + more
    wanted = [Timeperiod(HOURLY, FIRST + number).id for number in range(count)]

    def are_finished() -> bool:
        return [job.state for job in hosts.store.jobs("a_hourly", wanted)] == [JobState.PROCESSED] * count

    wait_until(are_finished, within_s=90, what=f"{count} hours to be finished")
    attempts: dict[str, dict[int, list[Line]]] = defaultdict(lambda: defaultdict(list))
    for line in hosts.lines():
        attempts[line.period][line.fence].append(line)
    jobs = {f"a_hourly {job.timeperiod}": job for job in hosts.store.jobs("a_hourly", wanted)}
    for period, job in jobs.items():
        fences = attempts[period]
        (uow,) = hosts.store.uows([job.uow_id])
        assert (job.generation, job.run, job.failures) == (1, 1, 0), job
        assert [line.what for line in fences[uow.fence]][-1] == "end", f"{period}: what counts has not written its end"
        spans = [(fences[fence][0].at_s, fences[fence][-1].at_s) for fence in sorted(fences)]
        assert all(before[1] < after[0] for before, after in pairwise(spans)), f"{period} ran twice at once: {spans}"


def was_refused(hosts: SeveralBoxes, box: str) -> bool:
    """Return whether a worker was told that its outcome came too late."""
    return "was refused by the fence" in hosts.said("worker.1", box)


def test_a_worker_that_is_cut_off_in_the_middle_loses_its_work_to_the_other_and_goes_on_when_it_is_back(
    hosts: SeveralBoxes, network: Network
) -> None:
    def running() -> list[Line]:
        lines = [line for line in hosts.lines() if line.box == "work1"]
        ended = {(line.period, line.fence) for line in lines if line.what == "end"}
        return [line for line in lines if line.what == "start" and (line.period, line.fence) not in ended]

    wait_until(lambda: bool(running()), within_s=30, what="work1 to be in the middle of something")
    held = running()
    network.host("work1").cut()
    periods = {line.period for line in held}
    wait_until(
        lambda: periods <= {line.period for line in hosts.lines() if line.box == "work2" and line.what == "end"},
        within_s=40, what=f"work2 to do what work1 has: {periods}",
    )  # fmt: skip
    network.host("work1").heal()
    since_s = hosts.clock.monotonic()
    wait_until(lambda: was_refused(hosts, "work1"), within_s=60, what="the late outcome to be refused")
    count = len([line for line in hosts.lines() if line.box == "work1" and line.what == "end"])
    wait_until(
        lambda: len([line for line in hosts.lines() if line.box == "work1" and line.what == "end"]) > count + 1,
        within_s=60, what=f"work1 to work again, {hosts.clock.monotonic() - since_s:.1f} s after its cable was put back",
    )  # fmt: skip
    judge(hosts, more=3)


def test_when_the_leading_scheduler_is_cut_off_the_other_one_leads(hosts: SeveralBoxes, network: Network) -> None:
    leader = hosts.leader()
    network.host(leader).cut()
    assert hosts.until_led_by_another(leader) < 5.0
    judge(hosts, more=3)
    network.host(leader).heal()
    wait_until(
        lambda: any(s.box == leader and s.facts.get("role") == "follows" for s in hosts.store.sessions()),
        within_s=60, what=f"{leader} to follow",
    )  # fmt: skip
    assert hosts.leader() != leader
    judge(hosts, more=2)
