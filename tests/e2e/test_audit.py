"""Does the audit of a real deployment find nothing, and then what a hand in its store has done?"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.deployments import Deployment


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    """A day of hours and its day, done."""
    made = Deployment(tmp_path, days=1)
    code, _, err = made.call("up", "--until-done", "--json")
    assert code == 0, err
    yield made
    made.end()


def change(deployment: Deployment, statement: str) -> None:
    """Reach into the store."""
    with sqlite3.connect(deployment.var / "horarium.db") as file:
        assert file.execute(statement).rowcount == 1
    file.close()


def test_a_deployment_that_works_has_no_findings_and_a_broken_one_has(deployment: Deployment) -> None:
    code, out, err = deployment.call("audit")
    assert (code, out) == (0, "25 periods, 25 finished: nothing to find fault with\n"), err
    change(deployment, "delete from job where process = 'a_hourly' and timeperiod = '2024010107'")
    change(deployment, "update job set inputs_turn = opened_turn + 1 where process = 'a_daily'")
    change(deployment, "update job set state = 5 where process = 'a_hourly' and timeperiod = '2024010109'")
    code, out, _ = deployment.call("audit", "--json")
    found = {(each["process"], each["timeperiod"]): each["kind"] for each in json.loads(out)["findings"]}
    hours = {("a_hourly", f"20240101{hour}"): "missing" for hour in ("07", "09")}
    assert (code, found) == (1, {**hours, ("a_daily", "2024010100"): "out of order"})
