"""Does the doctor find a deployment well that runs, and ill where its supervisor was killed?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from system import processes
from tests.support.deployments import Deployment
from tests.support.waiting import wait_until


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Deployment]:
    made = Deployment(tmp_path, days=1)
    made.environ |= {"HORARIUM_DISK_LOW_MB": "0", "HORARIUM_DISK_LEAST_MB": "0"}
    yield made
    made.end()


def ills(box: Deployment) -> set[str]:
    """Return what the doctor warns of or finds wrong."""
    code, out, _ = box.call("doctor", "--json")
    told = json.loads(out)
    assert code == int(not told["is_well"])
    return {found["check"] for found in told["findings"] if found["gravity"] != "note"}


def test_a_deployment_that_runs_is_well_and_one_whose_supervisor_was_killed_is_not(box: Deployment) -> None:
    assert box.call("start")[0] == 0
    wait_until(lambda: ills(box) == set(), what="the doctor to find nothing")
    said = processes.read_pid_file(box.var / "daemons" / "supervisor.pid")
    assert said is not None
    processes.end(said.identity)
    assert "daemons" in ills(box)
    assert box.call("stop")[0] == 0
    assert {"leader", "workers"} <= ills(box)
