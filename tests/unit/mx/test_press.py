"""Is what a person can press what makes sense for the job as it stands?"""

from __future__ import annotations

from typing import Any

import pytest

from mx.models.job import JobDetail
from mx.models.why import Why
from mx.press import of_job, of_reason, plan_path
from tests.support.builders import NOW


def job(**fields: Any) -> JobDetail:
    """Return an hour that is under way."""
    why = fields.pop("why", Why(kind="waits", text="x"))
    given = {"state": "state_in_progress", "generation": 1, **fields}
    return JobDetail.model_validate(
        {"process": "p", "timeperiod": "2024010105", "qualifier": "_hourly", "tree": "", "time_zone": "UTC", "start": NOW, "end": NOW,
         "is_archived": False, "why": why.model_dump(), **given}
    )  # fmt: skip


TRIGGER = Why(kind="open period", text="due later", look="launch.py job trigger p 2024010105 --why TEXT, to run it now")


@pytest.mark.parametrize(("fields", "names", "main"), [
    ({"state": "state_processed"}, ["Reprocess"], "Reprocess"),
    ({"held": "by ann"}, ["Release", "Reprocess", "Skip"], "Release"),
    ({"is_with_worker": True}, ["Reprocess", "Hold", "Cancel", "Skip"], ""),
    ({"state": "state_embryo", "generation": 0}, ["Hold", "Skip"], ""),
    ({"state": "state_embryo", "generation": 0, "why": TRIGGER}, ["Trigger now", "Hold", "Skip"], ""),
])  # fmt: skip
def test_a_job_offers_the_commands_that_make_sense(fields: dict[str, Any], names: list[str], main: str) -> None:
    found = of_job(job(**fields))
    assert [each.name for each in found] == names
    assert "".join(each.name for each in found if each.is_main) == main
    assert all(each.href.startswith("/plan?verb=") for each in found)


@pytest.mark.parametrize(("kind", "hrefs"), [
    ("held", ["/plan?verb=release&process=p&timeperiod=1"]), ("off", ["/triggers"]), ("worker", ["/boxes"]), ("scheduler", ["/boxes"]),
    ("queue window", ["/queues"]), ("retry", ["/job/p/1#printed"]), ("in flight", ["/process/p"]), ("turn", []),
])  # fmt: skip
def test_a_reason_leads_to_what_mends_it(kind: str, hrefs: list[str]) -> None:
    assert [each.href for each in of_reason(Why(kind=kind, text="x", process="p", timeperiod="1"), may_act=True)] == hrefs


def test_who_may_not_act_is_led_to_no_command() -> None:
    for why in (Why(kind="held", text="x", process="p", timeperiod="1"), TRIGGER):
        assert of_reason(why, may_act=False) == []


def test_odd_names_stay_one_word_of_the_address() -> None:
    assert plan_path("skip", "a&b=c", "1") == "/plan?verb=skip&process=a%26b%3Dc&timeperiod=1"
