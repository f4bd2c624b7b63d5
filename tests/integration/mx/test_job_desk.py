"""Does the dashboard's desk tell of jobs, processes, trees and runs what the store holds?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from launcher.web.desk import WebDesk
from system.errors import HorariumError, NotFound
from tests.support.builders import NOW
from tests.support.web_jobs import HOUR, UOW, jobs_desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[WebDesk]:
    with jobs_desk(tmp_path) as opened:
        yield opened


def test_a_job_tells_its_state_its_attempts_and_why_it_waits(desk: WebDesk) -> None:
    found = desk.job("flights_hourly", HOUR)
    assert (found.state, found.failures, found.previous, found.next) == ("state_in_progress", 1, "2024010104", "2024010106")
    assert [(a.uow, a.state, a.box, a.seconds) for a in found.attempts] == [(UOW, "invalid", "box-1", 60.0)]
    assert [place.timeperiod for place in found.ancestors] == ["2024010100"]
    assert found.why.leaves()[0].kind == "retry"
    assert found.usual is not None
    assert found.usual.seconds == 60.0


def test_what_a_period_of_another_process_waits_for_is_told_down_to_the_leaf(desk: WebDesk) -> None:
    why = desk.why("delays_daily", "2024010100")
    assert [(leaf.process, leaf.timeperiod) for leaf in why.leaves()] == [("delays_daily", "2024010100")]
    assert why == desk.job("delays_daily", "2024010100").why


def test_inputs_and_users_are_told_as_spans(desk: WebDesk) -> None:
    day = desk.neighbours("flights_daily", "2024010100")
    assert [(n.process, n.first, n.last, n.count, n.finished, n.look_at, n.relation) for n in day.inputs] == [
        ("flights_hourly", "2024010100", "2024010123", 24, 5, HOUR, "child")
    ]
    assert [(n.process, n.first, n.last, n.relation) for n in day.users] == [
        ("delays_daily", "2024010100", "2024010100", "dependant"), ("week", "2024010100", "2024010700", "dependant"),
    ]  # fmt: skip
    week = desk.neighbours("week", "2024010300")
    assert [(n.process, n.count, n.relation) for n in week.inputs] == [("flights_daily", 3, "dependency"), ("week", 1, "order")]
    assert desk.neighbours("flights_hourly", HOUR).users[0].relation == "parent"


def test_what_was_printed_comes_bit_by_bit(desk: WebDesk) -> None:
    whole = desk.printed("flights_hourly", HOUR)
    assert (whole.text, whole.begin, whole.attempts, whole.is_running) == ("one\ntwo\n", 0, (1,), False)
    assert desk.printed("flights_hourly", HOUR, begin=1).text == "two\n"
    assert desk.printed("flights_hourly", HOUR, begin=whole.end).text == ""
    assert desk.printed_whole("flights_hourly", HOUR) == f"--- {UOW}, attempt 1\none\ntwo\n"
    assert desk.printed("flights_hourly", "2024010107").uow == ""


@pytest.mark.parametrize("name", ["flights_hourly/2024010104/1/1", "../../etc/passwd", f"{UOW}9"])
def test_what_another_job_printed_is_not_told(desk: WebDesk, name: str) -> None:
    with pytest.raises(NotFound):
        desk.printed("flights_hourly", HOUR, uow=name)


def test_the_log_of_a_job_is_told_in_order(desk: WebDesk) -> None:
    assert [each.what for each in desk.job_events("flights_hourly", HOUR, 9)] == ["requested", "started", "failed"]


@pytest.mark.parametrize(
    ("process", "timeperiod", "said"),
    [
        ("flights_hourli", HOUR, "did you mean 'flights_hourly'"),
        ("flights_hourly", "20240101", "YYYYMMDDHH"),
        ("load", HOUR, "not a managed process"),
    ],
)
def test_what_there_is_not_is_refused_with_what_is_near(desk: WebDesk, process: str, timeperiod: str, said: str) -> None:
    with pytest.raises(NotFound, match=said):
        desk.job(process, timeperiod)


def test_a_process_tells_what_is_registered_without_secrets(desk: WebDesk) -> None:
    found = desk.process("flights_hourly")
    assert found.arguments == {"url": "postgresql://me:***@host/db", "api_key": "***", "rows": "7"}
    assert found.limits["deadline, seconds"] == "3600.0"
    assert found.counts is not None
    assert (found.counts.through, found.counts.finished, found.counts.failing) == ("2024010104", 5, 1)
    assert [run.timeperiod for run in found.last_runs] == [HOUR, *(f"202401010{hour}" for hour in range(4, -1, -1))]
    assert desk.process("load").entries == ("night",)
    assert desk.process("flights_daily").users == ("delays_daily", "week")


def test_trees_come_by_page_with_their_counts(desk: WebDesk) -> None:
    lines, total = desk.trees()
    assert (total, [(line.page, line.title) for line in lines]) == (3, [("air", "Flights"), ("air", "delays"), ("week", "week")])
    assert (lines[0].due, lines[0].finished, lines[0].failing) == (12, 5, 1)
    assert [line.name for line in desk.trees("air", skip=1)[0]] == ["delays"]
    with pytest.raises(NotFound, match="air"):
        desk.trees("aire")


def test_tiles_of_the_level_below_are_those_of_the_period_chosen(desk: WebDesk) -> None:
    days, hours = desk.tiles("flights").columns
    assert [tile.timeperiod for tile in days.tiles if tile.is_selected] == ["2024010100"]
    assert [(tile.timeperiod, tile.phase) for tile in hours.tiles if tile.is_selected] == [(HOUR, "failing")]
    assert (len(hours.tiles), days.tiles[0].children, days.tiles[0].children_finished) == (24, 24, 5)
    chosen = desk.tiles("flights", ["flights_hourly/2024010102", "other/1"]).columns[1]
    assert [tile.timeperiod for tile in chosen.tiles if tile.is_selected] == ["2024010102"]
    with pytest.raises(NotFound):
        desk.tiles("flights", ["flights_hourly/nonsense"])


def test_a_graph_has_all_processes_or_those_around_a_tree(desk: WebDesk) -> None:
    whole = desk.graph()
    assert {(edge.source, edge.target) for edge in whole.edges} == {
        ("flights_hourly", "flights_daily"), ("flights_daily", "delays_daily"), ("flights_daily", "week"), ("week", "week"),
    }  # fmt: skip
    assert {node.name: node.state for node in whole.nodes}["flights_hourly"] == "failing"
    assert {node.name for node in desk.graph(["delays"]).nodes} == {"flights_daily", "delays_daily"}
    with pytest.raises(NotFound, match="delays"):
        desk.graph(["delay"])


def test_runs_of_a_time_are_told_the_last_begun_first(desk: WebDesk) -> None:
    found = desk.runs(NOW - timedelta(hours=2), NOW)
    assert [(run.timeperiod, run.state) for run in found.runs][:2] == [(HOUR, "failed"), ("2024010104", "processed")]
    assert {run.box for run in found.runs} == set(found.boxes) == {"box-1"}
    assert [(each.process, each.runs, each.failed, each.p50_s) for each in found.processes] == [("flights_hourly", 6, 1, 60.0)]
    assert [run.timeperiod for run in desk.runs(NOW - timedelta(seconds=59 * 60 + 30), NOW - timedelta(minutes=59)).runs] == ["2024010100"]
    assert desk.runs(NOW - timedelta(hours=2), NOW, box="other").runs == ()
    assert desk.runs(NOW - timedelta(hours=2), NOW, limit=2).is_cut
    with pytest.raises(HorariumError, match="after"):
        desk.runs(NOW, NOW)
