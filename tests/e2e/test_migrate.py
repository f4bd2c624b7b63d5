"""Does a deployment that is moved to another store in the middle of its work finish there as if nothing had been?

It is killed with units of work requested and running, moved, and started over the other store, whose queues are empty. Where there is a
MongoDB server, the way leads through that.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from system import processes
from tests.support.deployments import Deployment
from tests.support.mongo_server import drop_database, own_database
from tests.support.services import service_url
from tests.support.waiting import wait_until

LEFT = ("state_requested", "state_in_progress")


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Deployment]:
    """Two days of hours, one worker."""
    made = Deployment(tmp_path, days=2, seconds=0.2)
    made.environ |= {"HORARIUM_WORKERS": "1", "HORARIUM_LEASE_S": "2", "HORARIUM_BEAT_S": "0.5"}
    yield made
    made.end()


def kill_in_the_middle(box: Deployment) -> None:
    """Kill everything while jobs run and others wait, so that nothing is put in order."""
    assert box.call("start")[0] == 0
    wait_until(lambda: len(box.ended()) >= 6, what="some hours to be done")
    pids = [*(box.var / "daemons").glob("*.pid"), *(box.var / "run").glob("*.pid")]
    said = [found for path in sorted(pids) if (found := processes.read_pid_file(path))]
    for found in said:
        processes.end(found.identity)
    wait_until(lambda: not any(processes.is_alive(found.identity) for found in said), what="all to be gone")
    wait_until(lambda: not box.leftovers(), what="what they left to be gone")


def states(path: Path) -> dict[tuple[str, str], str]:
    """Return the states of all units of work, by job."""
    conn = sqlite3.connect(path)
    found = {(row[0], row[1]): row[2] for row in conn.execute("SELECT process, timeperiod, state FROM uow")}
    conn.close()
    return found


def finish(box: Deployment, store: Path) -> None:
    """Do the rest over the store, and judge all of it."""
    under_way = {job for job, state in states(store).items() if state == "state_in_progress"}
    box.environ["HORARIUM_STORE_URL"] = f"sqlite:///{store}"
    code, _, err = box.call("up", "--until-done", within_s=120)
    assert code == 0, err
    hours = {("a_hourly", f"2024010{day}{hour:02}") for day in (1, 2) for hour in range(24)}
    assert set(box.ended()) == hours | {("a_daily", "2024010100"), ("a_daily", "2024010200")}
    # What had come to its end as it was killed, and could not say so any more, runs again; nothing else does.
    assert {job for job, count in box.ended().items() if count > 1} <= under_way
    progress = json.loads(box.call("status", "--json")[1])["progress"]
    assert (progress["due"], progress["finished"], progress["held"]) == (50, 50, 0)


def migrate(box: Deployment, *argv: str) -> dict[str, Any]:
    code, out, err = box.call("migrate", *argv, "--json")
    assert code == 0, err
    told: dict[str, Any] = json.loads(out)
    return told


def test_what_was_killed_in_the_middle_of_its_work_is_finished_over_the_other_store(box: Deployment) -> None:
    kill_in_the_middle(box)
    source, target = box.var / "horarium.db", box.folder / "other.db"
    assert set(states(source).values()) > set(LEFT)
    assert migrate(box, "--to", f"sqlite:///{target}")["records"]["units of work"] == len(states(source))
    assert states(target) == states(source)
    finish(box, target)


@pytest.mark.service
def test_the_way_may_lead_through_mongodb(box: Deployment) -> None:
    server = own_database(service_url("MONGODB_URL"))
    try:
        kill_in_the_middle(box)
        there = migrate(box, "--to", server)["records"]
        assert migrate(box, "--from", server, "--to", f"sqlite:///{box.folder / 'other.db'}")["records"] == there
        finish(box, box.folder / "other.db")
    finally:
        drop_database(server)
