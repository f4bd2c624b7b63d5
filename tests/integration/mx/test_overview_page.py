"""Does the first page say what needs a person, how far all is, and what happened in the last hour?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from system.errors import BrokerAway
from system.lifecycle import UowEvent
from tests.support.lamp import hours
from tests.support.mx_lamp import LitDesk, lit_desk


@pytest.fixture
def lit(tmp_path: Path) -> Iterator[LitDesk]:
    with lit_desk(tmp_path, max_attempts=1, on_failure="hold", deadline=3600.0) as lit:
        yield lit


def test_a_held_hour_stands_first_with_what_to_press_and_a_late_day_names_it_as_its_cause(lit: LitDesk) -> None:
    lit.lamp.turn()
    lit.lamp.work(*hours(1), event=UowEvent.FAILED)
    seen = lit.desk.overview()
    assert [(need.kind, need.process, need.timeperiod, need.count) for need in seen.needs] == [
        ("late", "flights_hourly", "2013010100", 24),
        ("late", "flights_daily", "2013010100", 1),
        ("held", "flights_hourly", "2013010100", 1),
    ]
    assert seen.needs[1].cause is not None
    assert (seen.needs[1].cause.kind, seen.needs[1].cause.timeperiod) == ("held", "2013010100")
    page = lit.client().get("/").text
    assert 'href="/plan?verb=release&amp;process=flights_hourly&amp;timeperiod=2013010100"' in page
    assert "3 things need a person" in page


def test_the_last_hour_counts_what_was_finished_and_what_is_open(lit: LitDesk) -> None:
    assert lit.desk.overview().recent.minutes[-1].open == 0
    lit.lamp.turn()
    lit.lamp.work(*hours(3))
    last = lit.desk.overview().recent.minutes[-1]
    assert (last.processed, last.open) == (3, 24)
    lit.lamp.clock.sleep(120)
    lit.lamp.turn()
    minutes = lit.desk.overview().recent.minutes
    assert [(m.processed, m.open) for m in minutes[-3:]] == [(3, 24), (0, 21), (0, 21)]


def test_a_desk_that_opens_later_counts_back_the_same(tmp_path: Path) -> None:
    with lit_desk(tmp_path) as lit:
        lit.lamp.turn()
        lit.lamp.work(*hours(3))
        lit.lamp.clock.sleep(60)
        lit.lamp.work(*hours(5)[3:])
        minutes = lit.desk.overview().recent.minutes
    assert [(m.processed, m.open) for m in minutes[-2:]] == [(3, 24), (2, 21)]


def test_a_watermark_tells_of_its_hole(lit: LitDesk) -> None:
    lit.lamp.turn()
    lit.lamp.work(hours(1)[0], hours(3)[2])
    mark = lit.desk.overview().marks[0]
    assert (mark.process, mark.through, mark.holes, mark.first_hole) == ("flights_hourly", "2013010100", 1, "2013010101")
    page = lit.client().get("/").text
    assert "2013-01-01 00:00" in page
    assert "1 hole" in page


def test_a_broker_that_is_away_is_said_first_and_at_the_head_of_every_page(lit: LitDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    lit.lamp.store.beat("scheduler-1", {"turned_at": lit.lamp.clock.now().isoformat()})
    assert "no work is handed out" not in lit.client().get("/pulse").text

    def away(_queues: object) -> dict[str, int]:
        raise BrokerAway("RabbitMQ can't be reached at mq-1: connection refused")

    monkeypatch.setattr(lit.desk.parts.joined.broker, "depths", away)
    assert (lit.desk.overview().needs[0].kind, lit.desk.overview().queues) == ("broker", ())
    page = lit.client().get("/").text
    assert page.index("RabbitMQ can&#39;t be reached at mq-1") < page.index("past its deadline")
    assert ("not known</span>" in page, "Nothing needs a person" in page) == (True, False)
    assert "no work is handed out: the broker is away" in lit.client().get("/boxes").text


def test_the_changing_part_comes_alone(lit: LitDesk) -> None:
    part = lit.client().get("/", headers={"X-Fragment": "1"}).text
    assert "How far each process is" in part
    assert "<html" not in part
