"""Does a status say what needs a person, how far all is, and what runs, on one screen, whatever the history?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from db.entries import Entry
from db.memory import MemoryStore
from db.model import UnitOfWork
from db.model_boxes import BoxChild, BoxReport, BoxWish
from mq.broker import Message
from mq.memory import MemoryBroker
from scheduler.timetable import States, id_of
from scheduler.watermark import Watermark, watermark
from system.context import Context, freerun_context_entry
from system.errors import BrokerAway, ConfigError
from system.lifecycle import JOB_FINISHED, JobState, UowEvent
from tests.support.builders import session
from tests.support.lamp import NOW, Lamp, context, hours, january
from tests.support.pretended_roof import LampRoof, Terminal


def day_of(marks: str) -> Watermark:
    """Return the watermark of a day of hours: x is finished, . is not."""
    (process,) = january(("hourly",), end=f"20130101{len(marks):02}")
    states = States(process, "2020010100")
    for at, mark in enumerate(marks):
        states[states.first + at] = JobState.PROCESSED if mark == "x" else JobState.IN_PROGRESS if mark == "-" else JobState.EMBRYO
    return watermark(states, NOW)


@pytest.mark.parametrize(
    ("marks", "through", "holes", "first_hole"),
    [
        ("xxxx", "2013010103", 0, ""),
        ("xx..", "2013010101", 0, ""),
        ("....", "", 0, ""),
        ("xx.x", "2013010101", 1, "2013010102"),
        ("xx--x.x-", "2013010101", 2, "2013010102"),
        (".xx.", "", 1, "2013010100"),
    ],
)
def test_a_watermark_names_the_last_complete_period_and_the_first_hole(marks: str, through: str, holes: int, first_hole: str) -> None:
    assert day_of(marks) == Watermark("flights_hourly", through, holes, first_hole)


def test_a_watermark_is_what_counting_one_by_one_says() -> None:
    luck = Random(7)
    for _ in range(200):
        (process,) = january(("hourly",), end="2013010123")
        states = States(process, "2020010100")
        for at in range(luck.randrange(24)):
            states[states.first + at] = luck.choice(list(JobState))
        done = [states[states.first + at] in JOB_FINISHED for at in range(23)]
        first = done.index(False) if False in done else 23
        holes = sum(1 for at in range(23) if not done[at] and (at == 0 or done[at - 1]) and True in done[at:])
        found = watermark(states, NOW)
        assert (found.holes, found.through) == (holes, id_of(states.qualifier, states.first + first - 1) if first else "")


@pytest.fixture
def lamp() -> Lamp:
    lamp = Lamp(january(max_attempts=1, on_failure="hold"))
    lamp.turn()
    return lamp


@pytest.fixture
def terminal(lamp: Lamp, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(LampRoof(lamp), capsys)


def test_a_held_job_comes_first_with_what_to_press(lamp: Lamp, terminal: Terminal) -> None:
    lamp.work(*hours(1), event=UowEvent.FAILED)
    assert terminal.run("status") == 0
    assert terminal.out.startswith("! flights_hourly 2013010100 held")
    assert "launch.py job release flights_hourly 2013010100 --why TEXT" in terminal.out.splitlines()[1]


def test_nobody_who_leads_and_nobody_who_works_come_before_all_else(lamp: Lamp, terminal: Terminal) -> None:
    lamp.work(*hours(1), event=UowEvent.FAILED)
    lamp.store.close_sessions(["scheduler-1", "worker-1"])
    kinds = [need["kind"] for need in terminal.json("status")["overview"]["needs"]["first"]]
    assert kinds == ["leader", "worker", "held"]


@pytest.mark.parametrize("process", ["scheduler", "worker"])
def test_where_a_process_was_switched_off_it_is_to_be_switched_on(lamp: Lamp, terminal: Terminal, process: str) -> None:
    lamp.store.close_sessions([f"{process}-1"])
    lamp.store.open_session(session("supervisor-1", kind="supervisor", box="box-1"))
    lamp.store.put_box_reports([BoxReport("box-1", process, 1, NOW, "supervisor-1")])
    lines = []
    for is_on in (True, False):
        lamp.store.put_box_wishes([BoxWish("box-1", process, is_on=is_on, who="ann", why="new disk", given_at=NOW)])
        assert terminal.run("status") == 0
        lines.append(terminal.out.splitlines()[1].strip())
    assert lines == ["launch.py up", f"launch.py super --start {process} --box box-1"]


def test_a_leader_whose_turns_fail_needs_a_person(lamp: Lamp, terminal: Terminal) -> None:
    lamp.store.beat("scheduler-1", {"turned_at": lamp.clock.now().isoformat()})
    terminal.roof.clock.sleep(9)
    assert terminal.json("status")["overview"]["needs"]["total"] == 0
    terminal.roof.clock.sleep(291)
    assert [need["kind"] for need in terminal.json("status")["overview"]["needs"]["first"]] == ["leader"]
    assert terminal.run("status") == 0
    said = "! for 5.0 min: scheduler-1 leads and its turns fail: nothing is scheduled\n    log/scheduler.log on box-1\n"
    assert terminal.out.startswith(said)


def test_why_the_turns_fail_is_said_also_of_a_scheduler_that_could_not_take_over(lamp: Lamp, terminal: Terminal) -> None:
    facts = {"turned_at": lamp.clock.now().isoformat(), "trouble": "turn 7 is in the store, which refuses what follows"}
    lamp.store.beat("scheduler-1", facts)
    terminal.roof.clock.sleep(300)
    said = "fail (turn 7 is in the store, which refuses what follows): nothing is scheduled"
    assert terminal.run("status") == 0
    assert f"! for 5.0 min: scheduler-1 leads and its turns {said}" in terminal.out
    lamp.store.close_sessions(["scheduler-1"])
    lamp.open_session("scheduler-2", kind="scheduler")
    lamp.store.beat("scheduler-2", facts)
    assert terminal.run("status") == 0
    assert f"! no scheduler leads, and the turns of scheduler-2 {said}" in terminal.out


def test_a_queue_that_no_worker_takes_from_needs_a_person(terminal: Terminal, lamp: Lamp) -> None:
    lamp.store.close_sessions(["worker-1"])
    lamp.open_session("worker-2", slots=8, queues=["queue_flights_daily"])
    (need,) = terminal.json("status")["overview"]["needs"]["first"]
    said = "no worker takes from queue_flights_hourly_backfill, in which work waits: see present_on_boxes of flights_hourly"
    assert (need["kind"], need["text"], need["since"]) == ("worker", said, NOW.isoformat())


class AwayBroker(MemoryBroker):
    """A broker whose server can be taken away."""

    is_away = False

    def depths(self, queues: Sequence[str]) -> dict[str, int]:
        if self.is_away:
            raise BrokerAway("RabbitMQ can't be reached at mq-1: connection refused")
        return super().depths(queues)

    def publish(self, messages: Sequence[Message]) -> None:
        if self.is_away:
            raise BrokerAway("RabbitMQ at mq-1 takes no messages just now: low on memory")
        super().publish(messages)


def test_a_broker_that_is_away_needs_a_person_and_what_waits_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    broker = AwayBroker()
    lamp = Lamp(january(), broker=broker)
    lamp.store.close_sessions(["worker-1"])
    terminal, broker.is_away = Terminal(LampRoof(lamp), capsys), True
    found = terminal.json("status")["overview"]
    assert [need["kind"] for need in found["needs"]["first"]] == ["broker", "worker"]
    assert found["broker_fault"] == "RabbitMQ can't be reached at mq-1: connection refused"
    assert terminal.run("status") == 0
    assert terminal.out.startswith("! RabbitMQ can't be reached at mq-1: connection refused\n    launch.py doctor\n")
    assert "queues: not known" in terminal.out


def test_a_broker_that_takes_nothing_from_the_leader_needs_a_person_wherever_one_looks(capsys: pytest.CaptureFixture[str]) -> None:
    broker = AwayBroker()
    lamp = Lamp(january(), broker=broker)
    broker.is_away = True
    lamp.turn()
    lamp.store.beat("scheduler-1", {"broker": lamp.engine.broker_trouble})
    broker.is_away = False  # from here it can be asked
    assert [need["text"] for need in Terminal(LampRoof(lamp), capsys).json("status")["overview"]["needs"]["first"]] == [
        "RabbitMQ at mq-1 takes no messages just now: low on memory"
    ]
    lamp.turn()
    assert lamp.engine.broker_trouble == ""


def test_a_refused_context_is_said_where_a_person_looks(lamp: Lamp, terminal: Terminal) -> None:
    lamp.store.beat("scheduler-1", {"refused": "the context changes the timetable of registered processes:\n  a start"})
    assert terminal.run("status") == 0
    assert "scheduler on box-1: the context changes the timetable of registered processes" in terminal.out
    assert "launch.py context plan" in terminal.out


def test_who_leads_since_when_and_who_stands_by_is_shown(lamp: Lamp, terminal: Terminal) -> None:
    lamp.store.beat("scheduler-1", {"leads_since": NOW.isoformat(), "turn": "2"})
    for name, facts in {"scheduler-2": {"turn": "2"}, "scheduler-3": {"turn": "1"}, "scheduler-4": {"refused": "a start"}}.items():
        lamp.open_session(name, kind="scheduler")
        lamp.store.beat(name, facts)
    assert terminal.run("status") == 0
    lines = [" ".join(line.split()) for line in terminal.out.splitlines()]
    assert any(line.startswith("leader scheduler-1 since 2020-01-01 00:00") for line in lines)
    assert "stands by scheduler-2, up to the last turn" in lines
    assert "stands by scheduler-3, 1 turn behind" in lines
    assert "stands by scheduler-4, but would not lead: its context is refused" in lines


def test_what_runs_is_shown_with_its_box_and_for_how_long(lamp: Lamp, terminal: Terminal) -> None:
    lamp.claim(*hours(1))
    terminal.roof.clock.sleep(90)
    found = terminal.json("status")["overview"]
    assert [(run["uow"], run["box"]) for run in found["running"]] == [("flights_hourly/2013010100/1/1", "box-1")]
    assert found["looked_at"] == 24


def test_a_process_that_left_is_shown_as_retired(lamp: Lamp, terminal: Terminal) -> None:
    terminal.roof.__dict__["context"] = context(january(("hourly",)))
    assert [row["process"] for row in terminal.json("status")["overview"]["retired"]] == ["flights_daily"]
    assert terminal.run("status") == 0
    assert "retired: flights_daily" in terminal.out


def test_a_hundred_failing_jobs_take_no_more_than_one_screen(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    lamp = Lamp([replace(p, max_attempts=0) for p in january(days=4)])
    for _ in range(3):
        lamp.turn()
        for uow in lamp.claim(*lamp.requested()):
            lamp.finish(uow, UowEvent.FAILED)
    lamp.turn()
    shown = Terminal(LampRoof(lamp), capsys)
    assert shown.json("status")["overview"]["needs"]["total"] > 50
    assert shown.run("status") == 0
    assert "more: launch.py job list" in shown.out
    assert len(shown.out.splitlines()) < 40


class Counting(MemoryStore):
    """A store that counts the units of work that it is asked for."""

    asked = 0

    def uows(self, ids: Sequence[str]) -> list[UnitOfWork]:
        self.asked += len(ids)
        return super().uows(ids)


def test_a_question_about_one_process_reads_nothing_of_the_others() -> None:
    store = Counting()
    rates = [replace(p, name=f"rates_{p.name[8:]}", queue=f"r_{p.name}") for p in january(("hourly",), days=3)]
    lamp = Lamp([*january(), *rates], store=store)
    lamp.turn()
    store.asked = 0
    lamp.desk.why("flights_daily", "2013010100")
    assert store.asked == 24
    lamp.desk.jobs(["rates_hourly"], "", 10)
    assert store.asked == 24 + 72
    lamp.desk.plan("reprocess", "flights_hourly", "2013010100")
    assert store.asked == 24 + 72


class CountingEntries(MemoryStore):
    """A store that counts how often all entries were read."""

    reads = 0

    def entries(self) -> list[Entry]:
        self.reads += 1
        return super().entries()


def test_a_desk_reads_all_entries_once_and_follows_them_by_turns() -> None:
    store = CountingEntries()
    lamp = Lamp([freerun_context_entry("load", name, "jobs.load", "load", "at 03:00") for name in ("night", "noon")], store=store)
    lamp.turn()
    store.reads = 0
    assert {entry.fired for entry in lamp.desk.entries()} == {0}
    lamp.clock.sleep(3 * 3600)
    lamp.turn(2)
    assert {entry.fired for entry in lamp.desk.entries()} == {1}
    assert store.reads == 1


def test_where_all_is_well_that_is_said(lamp: Lamp, terminal: Terminal) -> None:
    lamp.run()
    lamp.store.beat("scheduler-1", {"turned_at": (lamp.clock.now() - timedelta(seconds=1)).isoformat()})
    assert terminal.run("status") == 0
    assert terminal.out.startswith("nothing needs a person")
    assert "2013010123" in terminal.out


def test_where_a_box_is_gone_it_is_not_said_that_nothing_needs_a_person(lamp: Lamp, terminal: Terminal) -> None:
    lamp.run()
    lamp.store.beat("scheduler-1", {"turned_at": (lamp.clock.now() - timedelta(seconds=1)).isoformat()})
    lamp.store.put_box_reports([BoxReport("box-9", "worker", 1, NOW, "supervisor-9", (BoxChild("worker.1", 7),))])
    assert terminal.run("status") == 0
    assert terminal.out.startswith("! box-9 is gone since ")
    assert "nothing needs a person" not in terminal.out
    lamp.store.put_box_reports([BoxReport("box-9", "worker", 1, NOW)])
    lamp.store.put_box_wishes([BoxWish("box-9", "worker", is_on=False, who="ann", why="new disk", given_at=NOW)])
    assert terminal.run("status") == 0
    assert terminal.out.startswith("nothing needs a person")  # what ann wanted is told, and needs nobody else
    assert "! worker is off on box-9" in terminal.out


def test_timetable_and_list_show_what_left_the_context_and_what_it_left_undone(lamp: Lamp, terminal: Terminal) -> None:
    lamp.work(*hours(3))
    terminal.roof.__dict__["context"] = context([replace(january(("hourly",))[0], name="rates_hourly", queue="r")])
    assert terminal.run("timetable") == 0
    assert "flights_hourly (retired)" in terminal.out
    assert "flights_hourly has left the context with 21 jobs that are not finished: put it back to finish them" in terminal.out
    assert [level["process"] for level in terminal.json("timetable") if level["is_retired"]] == ["flights_daily", "flights_hourly"]
    assert [row["process"] for row in terminal.json("list") if row["kind"] == "retired"] == ["flights_daily", "flights_hourly"]


def test_workers_that_refuse_a_context_are_said_once_for_a_box(lamp: Lamp, terminal: Terminal) -> None:
    lamp.open_session("worker-2")
    for name in ("scheduler-1", "worker-1", "worker-2"):
        lamp.store.beat(name, {"refused": "the changed process context is refused: no such thing"})
    needs = terminal.json("status")["overview"]["needs"]["first"]
    said = "scheduler and worker on box-1: the changed process context is refused: no such thing"
    assert [need["text"] for need in needs if need["kind"] == "context"] == [said]


class Faulty(LampRoof):
    """A roof whose context can't be read."""

    @property
    def context(self) -> Context:
        raise ConfigError("the process context is broken:\n  a fault")


def test_a_context_that_is_broken_is_shown_with_who_leads(lamp: Lamp, capsys: pytest.CaptureFixture[str]) -> None:
    turned_at = lamp.clock.now() - timedelta(seconds=1)
    lamp.store.beat("scheduler-1", {"turned_at": turned_at.isoformat()})
    terminal = Terminal(Faulty(lamp), capsys)
    assert terminal.run("status") == 1
    assert terminal.out.startswith("! the context can't be read: the process context is broken:\n  a fault\n")
    assert "scheduler-1" in terminal.out
    found = terminal.json("status")
    assert (found["health"]["leader"], found["health"]["last_turn"]) == ("scheduler-1", lamp.engine.head)
    assert found["health"]["last_turn_age_s"] == 1.0
