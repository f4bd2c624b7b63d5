"""Does anything that happens to the dashboard, or to who looks at it, touch the scheduler? Real processes, under `launch.py up`."""

from __future__ import annotations

import asyncio
import signal
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.readers import watch
from system import processes
from system.clock import RealClock
from system.processes import Identity
from tests.support.deployments import Deployment
from tests.support.slow_client import SlowClient, all_of
from tests.support.tour import site_of
from tests.support.waiting import wait_until

CLOCK = RealClock()
SERVED_S = 3.0
CREW = ("scheduler", "worker.1", "worker.2")


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Thirty days of hours of a second each, in four slots: there is something to do for three minutes, longer than the tests last."""
    made = Deployment(tmp_path_factory.mktemp("harm"), days=29, seconds=1.0)
    made.environ |= {"HORARIUM_MX_LISTEN": "127.0.0.1:0", "HORARIUM_WORKERS": "2"}
    made.start("up")
    try:
        wait_until(lambda: bool(site_of(made.var)), within_s=30, what="a dashboard")
        wait_until(lambda: len(made.ended()) > 5, within_s=30, what="some hours to be done")
        yield made
    finally:
        made.end()


@contextmanager
def stopped(who: Identity) -> Iterator[None]:
    """Let a process and all below it hang for a while."""
    every = [who, *processes.children(who)]
    for each in every:
        processes.send_signal(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in every:
            processes.send_signal(each, signal.SIGCONT)


def crew(deployment: Deployment) -> list[Identity | None]:
    return [deployment.identity(name) for name in CREW]


def served_s(deployment: Deployment, path: str = "/") -> float:
    """Return how long it takes to get a page."""
    begun = CLOCK.monotonic()
    with urllib.request.urlopen(site_of(deployment.var) + path, timeout=30) as answer:
        assert answer.status == 200
        answer.read()
    return CLOCK.monotonic() - begun


def assert_it_goes_on(deployment: Deployment) -> None:
    done = len(deployment.ended())
    wait_until(lambda: len(deployment.ended()) > done + 10, within_s=20, what="ten further hours to be done")


def test_the_scheduler_goes_on_without_the_dashboard_which_comes_back(deployment: Deployment) -> None:
    before, killed = crew(deployment), deployment.kill("mx")
    assert_it_goes_on(deployment)
    wait_until(lambda: deployment.identity("mx") not in (None, killed), within_s=30, what="the dashboard to be started again")
    wait_until(lambda: bool(site_of(deployment.var)), within_s=30, what="the dashboard to tell where it is")
    assert served_s(deployment) < SERVED_S
    assert None not in before
    assert crew(deployment) == before


@pytest.mark.parametrize("takes_s", [None, 1.0], ids=["never", "a byte a second"])
def test_clients_that_hardly_read_hold_up_nobody(takes_s: float | None, deployment: Deployment) -> None:
    before, site = crew(deployment), site_of(deployment.var)
    clients = [SlowClient(site, path, takes_s=takes_s) for path in ("/live", "/", "/static/parts.css") for _ in range(15)]
    try:
        assert_it_goes_on(deployment)
        assert max(served_s(deployment) for _ in range(10)) < SERVED_S
    finally:
        all_of(clients)()
    assert crew(deployment) == before


def test_none_of_many_readers_sees_an_error_or_is_forgotten(deployment: Deployment) -> None:
    seen = asyncio.run(watch(site_of(deployment.var), ["/", "/pulse"], 60, 6.0))
    assert seen.errors == []
    assert seen.longest_gap_s < 5.5
    assert seen.events > 60


def test_a_dashboard_that_hangs_holds_up_nobody(deployment: Deployment) -> None:
    before, dashboard = crew(deployment), deployment.identity("mx")
    assert dashboard is not None
    with stopped(dashboard):
        assert_it_goes_on(deployment)
    wait_until(lambda: served_s(deployment) < SERVED_S, within_s=20, what="a page")
    assert crew(deployment) == before
