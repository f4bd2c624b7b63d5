"""How do the boxes stand, from what operators want and supervisors say? And does `launch.py super` write what it was told?"""

from __future__ import annotations

import io
import json

import pytest

from db.model_boxes import BoxChild, BoxReport, BoxWish
from launcher.boxes import BoxRow, box_lines, rows_of, troubles_of
from system.context import Context, daemon_context_entry
from tests.support.builders import NOW, session
from tests.support.lamp import Lamp, january
from tests.support.pretended_roof import LampRoof, Terminal

SUPERVISOR = session("sup-1", kind="supervisor", slots=0, queues=())
RUNNING = BoxChild("worker.1", 7, 1.0, cpu=0.25, memory_bytes=50_000_000)


def report(*children: BoxChild, **fields: object) -> BoxReport:
    values = {"box": "box-1", "process": "worker", "instances": 2, "told_at": NOW, "session": "sup-1", **fields}
    return BoxReport(**values, children=children)  # type: ignore[arg-type]


def row(wish: BoxWish | None, told: BoxReport, *, is_there: bool = True) -> BoxRow:
    (found,) = rows_of([wish] if wish else [], [told], [SUPERVISOR] if is_there else [])
    return found


@pytest.mark.parametrize(
    ("wish", "told", "state"),
    [
        (None, report(RUNNING, BoxChild("worker.2", 8)), "runs"),
        (None, report(RUNNING), "1 of 2 run"),
        (BoxWish("box-1", "worker", instances=1), report(RUNNING), "runs"),
        (BoxWish("box-1", "worker", is_on=False), report(RUNNING), "ending"),
        (BoxWish("box-1", "worker", is_on=False), report(), "off"),
        (None, report(RUNNING, BoxChild("worker.2", deaths=5, is_crash_loop=True)), "crash loop"),
        (None, report(instances=0), "does not belong here"),
    ],
)
def test_a_row_says_how_its_process_stands(wish: BoxWish | None, told: BoxReport, state: str) -> None:
    assert row(wish, told).state == state


def test_what_a_supervisor_said_that_is_gone_does_not_count() -> None:
    found = row(None, report(RUNNING), is_there=False)
    assert (found.state, found.running, found.troubles) == ("gone", 0, ())


def test_a_box_that_said_good_bye_is_not_gone() -> None:
    assert row(None, report(BoxChild("worker.1", deaths=2)), is_there=False).state == "no supervisor"


def test_a_box_without_a_heartbeat_is_gone_since_its_last_one_and_that_is_said_once() -> None:
    rows = rows_of([], [report(RUNNING), report(BoxChild("scheduler", 9), process="scheduler", instances=1)], [])
    (trouble,) = troubles_of(rows)
    assert trouble.startswith("box-1 is gone since 2024-01-01 12:30")
    assert "`launch.py super --reset --box box-1` forgets it" in trouble
    (line,) = box_lines(rows)
    assert line.startswith("box-1: gone since 2024-01-01 12:30")


def test_a_box_is_one_line() -> None:
    told = [report(RUNNING, BoxChild("worker.2", 8, cpu=0.05)), report(process="scheduler", instances=1), report(box="box-2")]
    rows = rows_of([BoxWish("box-1", "scheduler", is_on=False)], told, [SUPERVISOR])
    assert box_lines(rows[:2]) == ["box-1: scheduler off, worker 2/2, 30 % of a CPU, 50 MB"]


def test_a_box_without_a_supervisor_says_so() -> None:
    assert box_lines(rows_of([], [report(session="", told_at=NOW)], [])) == ["box-1: no supervisor"]


@pytest.fixture
def lamp() -> Lamp:
    return Lamp(january())


@pytest.fixture
def terminal(lamp: Lamp, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """A terminal on a box called `head` with a daemon called `poller`."""
    roof = LampRoof(lamp)
    roof.given = ("box=head", "workers=2")
    registered = roof.context
    poller = daemon_context_entry("poller", "jobs.poll", "poll")
    roof.__dict__["context"] = Context((*registered.processes, poller), registered.trees, registered.queues, registered.folder)
    return Terminal(roof, capsys)


def test_update_writes_the_rows_of_this_box(terminal: Terminal) -> None:
    terminal.run("super", "--update")
    found = terminal.json("super", "--query")
    assert [(r["box"], r["process"], r["instances"], r["state"]) for r in found] == [
        ("head", "scheduler", 1, "no supervisor"), ("head", "worker", 2, "no supervisor"), ("head", "mx", 1, "no supervisor"),
        ("head", "poller", 1, "no supervisor"),
    ]  # fmt: skip


def test_a_stop_is_kept_with_who_and_why(terminal: Terminal, lamp: Lamp) -> None:
    assert terminal.run("super", "--stop", "poller", "--why", "new host") == 0
    (wish,) = lamp.store.box_wishes()
    assert (wish.box, wish.process, wish.is_on, wish.why) == ("head", "poller", False, "new host")
    assert "poller on head: off" in terminal.out
    assert "no supervisor runs on head: it holds from its next start" in terminal.out


def test_what_is_changed_on_a_box_stands_in_the_audit_log(terminal: Terminal, lamp: Lamp) -> None:
    lamp.store.put_box_reports([report(box="box-2", process="crawler")])
    for argv in (("--stop", "poller", "--stop", "mx", "--why", "new host"), ("--reset", "--yes"), ("--reset", "--yes", "--box", "box-2")):
        assert terminal.run("super", *argv) == 0
    found = [(each.verb, each.process, each.timeperiod, each.why) for each in reversed(lamp.store.latest_commands(0, 9))]
    assert found == [
        ("box stop", "poller", "head", "new host"), ("box stop", "mx", "head", "new host"), ("box reset", "", "head", ""),
        ("box forget", "", "box-2", ""),
    ]  # fmt: skip
    assert "poller is wanted off on head; no supervisor runs on head" in lamp.store.command(1).answer


def test_another_box_is_asked_by_its_own_rows_and_keeps_them(terminal: Terminal, lamp: Lamp) -> None:
    lamp.store.put_box_reports([report(box="box-2", process="crawler"), report(box="box-2", process="poller")])
    before = lamp.store.box_reports()
    assert terminal.run("super", "--stop", "crawler", "--box", "box-2") == 0
    assert [(wish.box, wish.process, wish.is_on) for wish in lamp.store.box_wishes()] == [("box-2", "crawler", False)]
    assert terminal.run("super", "--stop", "crawler") == 2
    assert "no process 'crawler' belongs on head" in terminal.err
    assert lamp.store.box_reports()[: len(before)] == before


def test_instances_are_kept_over_a_stop_and_a_start(terminal: Terminal, lamp: Lamp) -> None:
    for argv in (("--start", "worker", "--instances", "5"), ("--stop", "worker"), ("--start", "worker")):
        assert terminal.run("super", *argv) == 0
    (wish,) = lamp.store.box_wishes()
    assert (wish.is_on, wish.instances) == (True, 5)


def test_an_update_keeps_what_operators_changed_and_a_reset_forgets_it(terminal: Terminal, lamp: Lamp) -> None:
    terminal.run("super", "--stop", "poller")
    terminal.run("super", "--update")
    assert len(lamp.store.box_wishes()) == 1
    assert terminal.run("super", "--reset", "--yes") == 0
    assert lamp.store.box_wishes() == []
    assert len(lamp.store.box_reports()) == 4


def test_a_reset_forgets_another_box_that_has_no_supervisor(terminal: Terminal, lamp: Lamp) -> None:
    lamp.store.put_box_reports([report(RUNNING, box="box-2"), report(RUNNING, box="box-3")])
    lamp.store.open_session(session("sup-3", kind="supervisor", box="box-3"))
    assert terminal.run("super", "--reset", "--yes", "--box", "box-2") == 0
    assert "forgot box-2" in terminal.out
    assert terminal.run("super", "--reset", "--yes", "--box", "box-3") == 0
    assert {told.box for told in lamp.store.box_reports()} == {"box-3"}


def test_a_reset_asks_first(terminal: Terminal, lamp: Lamp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    terminal.run("super", "--stop", "poller")
    assert terminal.run("super", "--reset") == 1
    assert len(lamp.store.box_wishes()) == 1


def test_fault_19_a_process_that_left_the_context_keeps_what_operators_said_of_it(terminal: Terminal, lamp: Lamp) -> None:
    terminal.run("super", "--stop", "poller")
    terminal.roof.__dict__["context"] = lamp.context
    terminal.run("super", "--update")
    states = {r["process"]: r["state"] for r in terminal.json("super", "--query")}
    assert states["poller"] == "does not belong here"
    assert len(lamp.store.box_wishes()) == 1


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ((), "say one thing to do: --query, --start"),
        (("--query", "--update"), "say one thing to do"),
        (("--start", "poler"), "no process 'poler' belongs on head; did you mean poller?"),
        (("--stop", "worker", "--instances", "2"), "--instances goes with --start PROCESS"),
        (("--start", "worker", "--instances", "0"), "0 is not in the range"),
        (("--stop", "worker", "--box", "haed"), "no box is called 'haed'; there are: none yet"),
        (("--query", "--box", "haed"), "no box is called 'haed'"),
    ],
)
def test_a_wrong_word_is_a_usage_error(terminal: Terminal, argv: tuple[str, ...], says: str) -> None:
    assert terminal.run("super", *argv) == 2
    assert says in terminal.err


def test_the_name_of_the_box_is_told_with_where_it_comes_from(terminal: Terminal) -> None:
    assert terminal.json("super", "--boxid") == {"box": "head", "from": "command line"}


def test_status_has_a_line_for_each_box(terminal: Terminal, lamp: Lamp) -> None:
    lamp.store.open_session(SUPERVISOR)
    lamp.store.put_box_reports([report(RUNNING, BoxChild("worker.2", trouble="worker.2 is down (exit code 1)"))])
    assert terminal.run("status") == 0
    assert "box-1: worker 1/2, 25 % of a CPU, 50 MB" in terminal.out
    assert "box-1: worker.2 is down (exit code 1)" in terminal.out
    terminal.run("status", "--json")
    assert json.loads(terminal.out)["boxes"][0]["state"] == "1 of 2 run"
