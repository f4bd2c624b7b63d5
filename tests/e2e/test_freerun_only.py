"""Does a deployment run whose only process is a freerun one? Nobody else declares queues, or has anything due."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.deployments import Deployment
from tests.support.waiting import wait_until

CONTEXT = """
from system.context import freerun_context_entry
process_context = [freerun_context_entry("load", "often", "jobs.report_in", "load", "every 1", arguments={"who": "ann"})]
timetable_context = []
"""
JOBS = """
from pathlib import Path
def report_in(work):
    with (Path(__file__).parent / "fires").open("a") as file:
        file.write(work.arguments["who"] + "\\n")
"""


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    """One entry that fires every second, and nothing else."""
    made = Deployment(tmp_path)
    (tmp_path / "context.py").write_text(CONTEXT)
    (tmp_path / "jobs.py").write_text(JOBS)
    yield made
    made.end()


def test_entries_fire_where_there_is_nothing_else(deployment: Deployment) -> None:
    up = deployment.start("up")
    fires = deployment.folder / "fires"
    wait_until(lambda: fires.exists() and len(fires.read_text().splitlines()) >= 3, within_s=60, what="three fires")
    up.send_signal(signal.SIGINT)
    _, err = up.communicate(timeout=30)
    assert (up.returncode, set(fires.read_text().split())) == (0, {"ann"}), err
    logs = "".join(path.read_text() for path in (deployment.var / "log").glob("*.log"))
    assert "is not declared" not in logs
    assert " error " not in logs
    (entry,) = json.loads(deployment.call("freerun", "list", "--json")[1])
    assert (entry["failing"], entry["missed"], entry["fired"] >= 3) == (0, 0, True)
    assert deployment.leftovers() == []
