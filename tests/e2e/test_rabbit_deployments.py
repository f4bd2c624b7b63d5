"""Does a whole deployment run on RabbitMQ, and go on where the server ends, is late, or has no patience with slow consumers?"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.services.rabbitmq import RabbitMQ
from tests.support.deployments import ROOT, Deployment
from tests.support.rabbit import own_place, private_rabbit, url_of
from tests.support.waiting import wait_until

pytestmark = pytest.mark.service

# 2 hours of a clock that goes 60 times as fast, and 3 minutes of the real one.
SLOW = """
from system.context import managed_context_entry, timetable_tree_entry
def entry(name, seconds):
    return managed_context_entry(name, "jobs.hourly", name, "_hourly", start="2024010100", end="2024010101", lag_s=0.0,
                                 arguments={"seconds": seconds})
process_context = [entry("two_hours", 120), entry("three_minutes", 180)]
timetable_context = [timetable_tree_entry(name, [name]) for name in ("two_hours", "three_minutes")]
report = "jobs.report"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    """A server of our own that gives a consumer a minute to acknowledge."""
    with private_rabbit(tmp_path_factory.mktemp("rabbitmq"), {"consumer_timeout": "60000"}) as started:
        yield started


@pytest.fixture
def deployment(server: RabbitMQ, tmp_path: Path) -> Iterator[Deployment]:
    """Two days of hours on that server."""
    server.start()
    made = Deployment(tmp_path, seconds=0.1)
    made.environ["HORARIUM_BROKER_URL"] = url_of(own_place(server.url, wait_s=3))
    yield made
    made.end()


def everything_once() -> Counter[tuple[str, str]]:
    """Return that each job of two days ended well, once."""
    days = [f"202401{day:02}" for day in (1, 2)]
    hours = [("a_hourly", f"{day}{hour:02}") for day in days for hour in range(24)]
    return Counter([*hours, *(("a_daily", f"{day}00") for day in days)])


def test_two_days_run_once_each(deployment: Deployment) -> None:
    code, _, err = deployment.call("up", "--until-done")
    assert (code, deployment.ended()) == (0, everything_once()), err
    logs = "".join(path.read_text() for path in (deployment.var / "log").glob("*.log"))
    assert ":horarium@" not in logs  # the password


def test_by_tls_with_certificates_on_both_sides_it_is_the_same_and_goes_on_after_the_server_was_killed(
    server: RabbitMQ, deployment: Deployment
) -> None:
    own = server.authority.certificate("box")
    place = replace(own_place(server.tls_url, wait_s=3), cert_file=str(own.file), key_file=str(own.key))
    deployment.environ["HORARIUM_BROKER_URL"] = url_of(place)
    up = deployment.start("up", "--until-done")
    wait_until(lambda: len(deployment.ended()) >= 5, within_s=60, what="the first jobs")
    # Beside them the server may still list those by which the fixture looked whether it is there.
    said = server.control("list_connections", "ssl", "peer_cert_subject").splitlines()[1:]
    assert said.count("true\tCN=box") >= len(("scheduler", "worker.1", "up")), said
    server.kill()
    server.start()
    _, err = up.communicate(timeout=120)
    assert (up.returncode, deployment.ended()) == (0, everything_once()), err


def test_fault_9_work_goes_on_after_the_server_was_killed_in_the_middle(server: RabbitMQ, deployment: Deployment) -> None:
    up = deployment.start("up", "--until-done")
    wait_until(lambda: len(deployment.ended()) >= 5, within_s=60, what="the first jobs")
    server.kill()
    server.start()
    _, err = up.communicate(timeout=120)
    assert (up.returncode, deployment.ended()) == (0, everything_once()), err


def test_a_scheduler_and_a_worker_wait_for_a_server_that_is_away(server: RabbitMQ, deployment: Deployment) -> None:
    server.kill()
    command = [sys.executable, str(ROOT / "process_starter.py")]
    for name in ("scheduler", "worker"):
        deployment.started.append(
            subprocess.Popen([*command, name], env=deployment.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
    logs = [deployment.var / "log" / f"{name}.log" for name in ("scheduler", "worker")]
    wait_until(lambda: all(log.exists() and "can't be reached" in log.read_text() for log in logs), within_s=30, what="a word of it")
    server.start()
    wait_until(lambda: deployment.ended() == everything_once(), within_s=90, what="two days")
    assert all(process.poll() is None for process in deployment.started)


def test_up_without_a_server_says_what_to_do(server: RabbitMQ, deployment: Deployment) -> None:
    server.kill()
    code, _, err = deployment.call("up", "--until-done")
    assert code == 1
    assert "is it running, and is the broker's URL right?" in " ".join(err.split())
    assert ":horarium@" not in err


@pytest.mark.waiting
def test_fault_10_long_jobs_run_once_on_a_server_that_gives_consumers_a_minute(deployment: Deployment) -> None:
    (deployment.folder / "context.py").write_text(SLOW)
    jobs = deployment.folder / "jobs.py"
    jobs.write_text(jobs.read_text().replace("time.sleep(0.1)", 'time.sleep(work.arguments["seconds"])'))
    deployment.environ["HORARIUM_TRIAL_CLOCK"] = "2024-01-02T00:00@60"
    code, _, err = deployment.call("up", "--until-done", within_s=300)
    assert code == 0, err
    marks = deployment.marks()
    assert sorted((mark.what, mark.job[0], mark.fence) for mark in marks) == [
        ("end", "three_minutes", 1), ("end", "two_hours", 1), ("start", "three_minutes", 1), ("start", "two_hours", 1),
    ]  # fmt: skip
