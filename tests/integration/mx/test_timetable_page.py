"""Does the heat map show the worst of what is inside each cell, lead down to the job, and keep what is selected in its address?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mx.models.timetable import Cell, HeatMap
from system.errors import TimeperiodError
from system.lifecycle import UowEvent
from tests.support.lamp import hours
from tests.support.mx_lamp import LitDesk, lit_desk


@pytest.fixture
def lit(tmp_path: Path) -> Iterator[LitDesk]:
    with lit_desk(tmp_path, ("hourly", "daily", "monthly"), max_attempts=1, on_failure="hold") as lit:
        lit.lamp.turn()
        yield lit


def cells(found: HeatMap, process: str) -> tuple[Cell, ...]:
    """Return the cells of a row."""
    return next(row.cells for row in found.rows if row.process == process)


def test_a_year_alone_is_opened_at_once_and_leads_down_to_the_hour(lit: LitDesk) -> None:
    assert [lit.desk.heat_map(place).unit for place in (None, "", "2013", "201301", "20130101", "2013010105")] == [
        "months", "years", "months", "days", "hours", "minutes",
    ]  # fmt: skip
    assert [crumb.label for crumb in lit.desk.heat_map("20130101").crumbs] == ["all years", "2013", "Jan", "1"]


def test_the_worst_state_wins_and_says_how_much_is_finished(lit: LitDesk) -> None:
    lit.lamp.work(*hours(6))
    (day,) = [cell for cell in cells(lit.desk.heat_map("201301"), "flights_hourly") if cell.total]
    assert (day.state, day.finished, day.total, day.counts) == ("in_progress", 6, 24, {"in_progress": 18, "processed": 6})
    lit.lamp.work(hours(7)[6], event=UowEvent.FAILED)
    assert cells(lit.desk.heat_map("2013"), "flights_hourly")[0].state == "held"
    hour = cells(lit.desk.heat_map("20130101"), "flights_hourly")[6]
    assert (hour.state, hour.timeperiod, hour.total) == ("held", "2013010106", 1)


def test_a_longer_period_covers_the_columns_inside_it(lit: LitDesk) -> None:
    found = lit.desk.heat_map("20130101")
    assert [(cell.column, cell.width, cell.timeperiod) for cell in cells(found, "flights_daily")] == [(0, 24, "2013010100")]
    days = lit.desk.heat_map("201301")
    assert [(cell.width, cell.timeperiod) for cell in cells(days, "flights_monthly")] == [(31, "2013010000")]
    assert [cell.state for cell in cells(days, "flights_daily")] == ["embryo"] + ["none"] * 30


def test_rows_are_filtered_and_paged(lit: LitDesk) -> None:
    assert [row.process for row in lit.desk.heat_map(find="DAI").rows] == ["flights_daily"]
    last = lit.desk.heat_map(page=99, size=2)
    assert (last.page, last.pages, [row.process for row in last.rows]) == (2, 2, ["flights_hourly"])
    assert lit.desk.heat_map(tree="none").rows == ()


@pytest.mark.parametrize("place", ["13", "2013-01", "201313", "20130230", "0000", "２０１３", "201301010", "999912312359599"])
def test_a_place_that_can_not_be_is_refused(lit: LitDesk, place: str) -> None:
    with pytest.raises(TimeperiodError):
        lit.desk.heat_map(place)
    assert lit.client().get("/timetable", query_string={"at": place}).status_code == 400


def test_each_cell_is_a_link_with_words(lit: LitDesk) -> None:
    page = lit.client().get("/timetable?at=20130101").text
    assert 'href="/job/flights_hourly/2013010105" title="in progress"' in page
    assert '<td colspan="24"><a class="c-embryo" href="/job/flights_daily/2013010100" title="due, not begun">' in page
    body = page[page.index("<tbody>") : page.index("</tbody>")]
    assert len(re.findall(r"<td[^>]*><a ", body)) == len(re.findall(r'title="[^"]+"', body)) == 26


def test_what_is_selected_is_marked_and_kept(lit: LitDesk) -> None:
    page = lit.client().get("/timetable?at=20130101&process=flights_hourly&process=gone&from=2013010102&to=2013010104").text
    assert page.count('<td class="sel">') == 3
    assert 'id="pick-flights_hourly" aria-label="Select flights_hourly" checked' in page
    assert '<input type="hidden" name="process" value="gone">' in page


def test_words_from_the_address_are_shown_as_text(lit: LitDesk) -> None:
    page = lit.client().get("/timetable", query_string={"find": '"><script>x', "tree": "<b>", "from": "<i>", "process": "<u>"}).text
    assert not re.search(r"<script>x|<b>|<i>|<u>", page)
