"""Does the dashboard's desk tell of jobs, processes, trees and runs what the store holds?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from db.model import Chunk, Event, OutputPiece
from launcher.web.desk import WebDesk
from system.clock import ManualClock
from system.errors import HorariumError, NotFound
from system.lifecycle import JobState, UowEvent, UowState
from system.timeperiod import HOURLY, parse
from tests.support.builders import NOW, job, outcome, session, turn, uow
from tests.support.mx import web_desk
from tests.support.stores import commit

CONTEXT = '''
from system.context import dependency_entry, freerun_context_entry, managed_context_entry, timetable_tree_entry

def entry(name, level, **more):
    return managed_context_entry(process_name=name, classname="work.work", token=name, time_qualifier=level, lag_s=0.0, deadline=3600.0,
                                 start="2024010100" if level != "_monthly" else "2024010000", **more)

process_context = [
    entry("flights_hourly", "_hourly", arguments={"url": "postgresql://me:pw@host/db", "api_key": "s3cr3t", "rows": 7}),
    entry("flights_daily", "_daily", blocking_type="blocking_children"),
    entry("delays_daily", "_daily", blocking_type="blocking_all"),
    entry("week", "_daily", depends_on=[dependency_entry("flights_daily", last=7)], in_order=True),
    freerun_context_entry("load", "night", "work.work", "load", "at 03:00"),
]
timetable_context = [
    timetable_tree_entry("flights", ["flights_hourly", "flights_daily"], mx_page="air", mx_name="Flights"),
    timetable_tree_entry("delays", ["delays_daily"], dependent_on=["flights"], mx_page="air"),
    timetable_tree_entry("week", ["week"]),
]
'''
HOUR, UOW = "2024010105", "flights_hourly/2024010105/1/1"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[WebDesk]:
    (tmp_path / "context.py").write_text(CONTEXT)
    (tmp_path / "work.py").write_text("def work(work): ...")
    with web_desk(tmp_path / "var", tmp_path / "context.py", clock=ManualClock(NOW)) as opened:
        opened.asker.ask(lambda: furnish(opened))
        yield opened


def furnish(desk: WebDesk) -> None:
    """Five hours are processed; the sixth has failed once and runs again; a worker is there, and a scheduler leads."""
    store = desk.parts.store
    store.open_session(session("box-1-worker-7-abc", box="box-1"))
    done = [f"flights_hourly/202401010{hour}/1/1" for hour in range(5)]
    first = parse(HOURLY, "2024010100").ordinal
    number = HOURLY.chunk_of(first)
    begin = HOURLY.chunk_start(number)
    commit(store, turn(1, opened=[uow(name, opened_at=NOW - timedelta(minutes=61)) for name in [*done, UOW]]), [])
    for at, name in enumerate([*done, UOW]):
        (claimed,) = store.claim([name], "box-1-worker-7-abc", NOW - timedelta(minutes=60 - at))
        is_last = name == UOW
        store.finish([outcome(claimed, UowEvent.FAILED if is_last else UowEvent.DONE, at=NOW - timedelta(minutes=59 - at),
                              failures=1 if is_last else 0, rows=at)])  # fmt: skip
    jobs = [job(name.split("/")[1], JobState.PROCESSED, run=1, uow_state=UowState.PROCESSED, turn=2) for name in done]
    jobs.append(job(HOUR, run=1, uow_state=UowState.INVALID, failures=1, failing_since=NOW, reason="exit code 3", turn=2))
    states = bytes(first - begin) + bytes([JobState.PROCESSED] * 5 + [JobState.IN_PROGRESS])
    event = Event("flights_hourly", HOUR, 2, 0, NOW, "failed", "", f"{UOW}: exit code 3")
    commit(store, turn(2, jobs=jobs, events=[event]), [Chunk("flights_hourly", number, begin, states, 2)])
    store.append_output([OutputPiece(UOW, 1, 0, "one\n"), OutputPiece(UOW, 1, 4, "two\n")])


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
