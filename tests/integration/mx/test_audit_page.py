"""Does the audit page look at a range, link what it finds, and hand it over?"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mx.models.audit import AuditLook
from system.errors import NotFound
from tests.support.lamp import hours
from tests.support.mx_lamp import LitDesk, lit_desk
from tests.support.waiting import wait_until


@pytest.fixture
def lit(tmp_path: Path) -> Iterator[LitDesk]:
    with lit_desk(tmp_path, deadline=3600.0) as lit:
        yield lit


def looked(lit: LitDesk, process: str = "") -> AuditLook:
    """Return a look that has ended."""
    wait_until(lambda: lit.desk.audit_look(process).ended_at is not None)
    return lit.desk.audit_look(process)


def test_a_year_without_fault_says_so(lit: LitDesk) -> None:
    lit.lamp.run()
    found = looked(lit)
    assert (found.periods, found.periods_total, found.finished, found.total, found.fault) == (25, 25, 25, 0, "")
    assert "Nothing to find fault with among 25 periods" in lit.client().get("/audit?look=1").text


def test_late_and_twice_are_found_linked_and_exported(lit: LitDesk) -> None:
    lit.lamp.turn()
    lit.lamp.work(*hours(23))
    found = looked(lit)
    assert found.counts == {"late": 2}
    page = lit.client().get("/audit?look=1").text
    assert 'href="/job/flights_hourly/2013010123"' in page
    rows = list(csv.reader(io.StringIO(lit.client().get("/audit.csv?look=1").text)))
    assert [row[:3] for row in rows] == [
        ["process", "timeperiod", "kind"], ["flights_hourly", "2013010123", "late"], ["flights_daily", "2013010100", "late"],
    ]  # fmt: skip
    told = lit.client().get("/audit.json?look=1")
    assert json.loads(told.text)["counts"] == {"late": 2}
    assert "attachment" in told.headers["Content-Disposition"]


def test_a_look_stands_until_somebody_looks_again(lit: LitDesk) -> None:
    lit.lamp.turn()
    assert looked(lit, "flights_daily").counts == {"late": 1}
    lit.lamp.run()
    assert looked(lit, "flights_daily").counts == {"late": 1}
    answer = lit.client().post("/audit", data={"process": "flights_daily"})
    assert (answer.status_code, answer.location) == (303, "/audit?look=1&process=flights_daily&from=&to=")
    assert looked(lit, "flights_daily").counts == {}


def test_a_part_of_time_is_looked_at_alone(lit: LitDesk) -> None:
    query = "look=1&process=flights_hourly&from=2013010102&to=2013010104"
    wait_until(lambda: lit.client().get(f"/audit.json?{query}").status_code == 200)
    assert json.loads(lit.client().get(f"/audit.json?{query}").text)["periods"] == 3
    assert "from <time" in lit.client().get(f"/audit?{query}").text


def test_nothing_is_looked_at_before_somebody_asks(lit: LitDesk) -> None:
    page = lit.client().get("/audit").text
    assert "Look at a range" in page
    assert "periods</h2>" not in page


@pytest.mark.parametrize("query", ["process=gone", "from=13", "to=x"])
def test_what_can_not_be_looked_at_is_refused(lit: LitDesk, query: str) -> None:
    assert lit.client().get(f"/audit?look=1&{query}").status_code in (400, 404)
    with pytest.raises(NotFound):
        lit.desk.audit_look("gone")
