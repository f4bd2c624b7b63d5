"""Does the dashboard's desk answer what brings work about, how boxes and queues stand, and what is called how, over a real store?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from db.model import CommandState
from launcher.web.desk import WebDesk
from settings import TABLE
from system.errors import ConfigError, NotFound, ScheduleError, TimeperiodError
from tests.support.steered import CONTEXT, FIRE, HOUR, SECRET, give_up_on, steered, within, write_context
from tests.support.waiting import wait_until


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[WebDesk]:
    """A desk over the small deployment."""
    with steered(tmp_path) as opened:
        yield opened


def test_processes_tell_how_they_are_switched_and_what_a_trigger_would_run(desk: WebDesk) -> None:
    found = desk.process_triggers()
    rows = {row.process: row for row in found.rows}
    assert found.total == 3
    assert (rows["sales_hourly"].is_on, rows["stock_daily"].is_on) == (True, False)
    assert (rows["sales_daily"].schedule, rows["sales_daily"].next and rows["sales_daily"].next.hour) == ("at 04:30", 4)
    assert (rows["sales_daily"].ahead, rows["sales_hourly"].ahead, rows["stock_daily"].ahead) == (
        "2026112000", "2026112102", ""
    )  # fmt: skip  # its schedule, its lag; one that is off waits for neither


def test_processes_come_by_part_word_and_state(desk: WebDesk) -> None:
    assert [row.process for row in desk.process_triggers(offset=1, limit=1).rows] == ["sales_daily"]
    assert [row.process for row in desk.process_triggers(words="STOCK").rows] == ["stock_daily"]
    assert [row.process for row in desk.process_triggers(state="off").rows] == ["stock_daily"]
    assert desk.process_triggers(state="changed").total == 0


def test_entries_come_by_part_word_and_state(desk: WebDesk) -> None:
    assert [(row.entry, row.held, row.state) for row in desk.entry_triggers().rows] == [("night", 1, "on"), ("often", 0, "on")]
    assert [row.entry for row in desk.entry_triggers(words="often").rows] == ["often"]
    assert [desk.entry_triggers(state=state).total for state in ("on", "off", "held", "failing", "deleted")] == [2, 0, 1, 1, 0]
    assert desk.entry_triggers(offset=1, limit=1).rows[0].entry == "often"


def test_an_entry_tells_of_its_last_fires_and_hides_its_secrets(desk: WebDesk) -> None:
    found = desk.entry_details("load", "night")
    assert [(fire.fire, fire.state, fire.rows) for fire in found.fires] == [
        ("20261121023000", "state_requested", None), (FIRE, "state_processed", 5)
    ]  # fmt: skip
    assert (found.fires[1].seconds, found.fires[1].box, found.is_held) == (3.0, "b1", True)
    assert SECRET not in found.model_dump_json()
    assert found.arguments["api_key"] == '"***"'
    assert len(found.next_fires) == 5
    assert SECRET not in desk.fire_output("load", "night", FIRE).text


def test_what_an_entry_is_not_is_said_with_near_names(desk: WebDesk) -> None:
    with pytest.raises(NotFound, match="did you mean 'night'"):
        desk.entry_details("load", "nigth")
    with pytest.raises(NotFound, match="no fire 7"):
        desk.fire_output("load", "night", "7")


def test_a_schedule_is_tried_before_it_is_given(desk: WebDesk) -> None:
    good, every, bad = (desk.try_schedule(text, process="sales_daily") for text in ("at 05:00", "every 60", "sometimes"))
    assert [at.strftime("%d %H:%M") for at in good.next_fires[:2]] == ["21 05:00", "22 05:00"]
    assert (every.next_fires, every.fault, "names no moments" in every.note) == ((), "", True)
    assert "is not a schedule" in bad.fault
    assert desk.try_schedule("at 02:00", process="load", entry="night").next_fires == desk.entry_details("load", "night").next_fires


def test_commands_are_stored_with_who_and_why(desk: WebDesk) -> None:
    numbers = [
        desk.switch_process("off", "sales_hourly", "ann", "broken source"),
        desk.switch_process("frequency", "sales_daily", "ann", "later", frequency="at 06:00"),
        desk.trigger_process("sales_daily", "2026112000", "ann", "now"),
        desk.command_entry("change", "load", "night", "ann", "rarer", {"trigger_frequency": "at 03:00"}),
        desk.command_entry("create", "load", "new", "ann", "more", {"trigger_frequency": "every 5"}),
        desk.command_entry("trigger", "load", "new", "ann", "at once"),
    ]
    found = [within(desk, lambda n=number: desk.parts.store.command(n)) for number in numbers]  # type: ignore[misc]
    assert [command.verb for command in found] == ["off", "frequency", "trigger", "freerun change", "freerun create", "freerun trigger"]
    assert {command.who for command in found} == {"ann"}
    assert {command.state for command in found} == {CommandState.OPEN}


def test_commands_that_can_do_nothing_are_refused_before_they_are_stored(desk: WebDesk) -> None:
    with pytest.raises(ScheduleError, match="is not a schedule"):
        desk.switch_process("frequency", "sales_daily", "ann", "later", frequency="sometimes")
    with pytest.raises(NotFound, match="no managed process"):
        desk.switch_process("off", "sales", "ann", "x")
    with pytest.raises(TimeperiodError, match="is no daily timeperiod"):
        desk.trigger_process("sales_daily", "2026", "ann", "x")
    with pytest.raises(ConfigError, match="overlap"):
        desk.command_entry("change", "load", "night", "ann", "x", {"overlap": "sometimes"})
    with pytest.raises(ConfigError, match="needs a schedule"):
        desk.command_entry("create", "load", "new", "ann", "x")
    assert within(desk, lambda: desk.parts.store.open_commands(9)) == []


def test_a_changed_context_is_known_to_whoever_asks(tmp_path: Path) -> None:
    extra = '[freerun_context_entry("extra", "e", "jobs.work.do", "extra", "every 60"),'
    with steered(tmp_path) as desk:
        assert desk.freerun_processes() == ("load",)
        write_context(tmp_path / "project", CONTEXT.replace("process_context = [", f"process_context = {extra}"))
        wait_until(lambda: "extra" in desk.freerun_processes())
        assert "extra" in [each.name for each in desk.registered()]
        desk.command_entry("trigger", "extra", "e", "ann", "now")


def test_boxes_tell_what_runs_what_died_and_who_stopped_it(desk: WebDesk) -> None:
    found = {box.name: box for box in desk.boxes().boxes}
    here, gone = found["b1"], found["b2"]
    assert (here.is_here, here.is_gone, gone.is_gone, gone.supervisor) == (True, False, True, None)
    assert here.supervisor is not None
    assert (here.supervisor.beat_age_s, here.supervisor.memory_bytes, here.slots) == (2.0, 50_000_000, 2)
    rows = {row.process: row for row in here.processes}
    assert (rows["worker"].state, rows["worker"].running, rows["mx"].who, rows["mx"].is_on) == ("crash loop", 1, "ann", False)
    assert any("b2 is gone" in text for text in desk.boxes().troubles)


def test_a_process_is_stopped_on_a_box_by_a_wish_that_the_audit_log_tells_of(desk: WebDesk) -> None:
    number = desk.stop_on("b1", "worker", "ann", "too hot")
    command = within(desk, lambda: desk.parts.store.command(number))
    assert (command.verb, command.process, command.timeperiod, command.why, command.state) == (
        "box stop", "worker", "b1", "too hot", CommandState.DONE
    )  # fmt: skip
    assert {row.process: row.is_on for row in desk.boxes("b1").boxes[0].processes}["worker"] is False
    desk.start_on("b1", "worker", "bob", "cooler", instances=3)
    worker = next(row for row in desk.boxes("b1").boxes[0].processes if row.process == "worker")
    assert (worker.is_on, worker.instances, worker.who) == (True, 3, "bob")


def test_where_nobody_works_since_the_workers_were_switched_off_they_are_to_be_switched_on(desk: WebDesk) -> None:
    def close_workers() -> None:
        desk.parts.store.close_sessions([session.id for session in desk.parts.store.sessions() if session.kind == "worker"])

    within(desk, close_workers)
    before = [need.look for need in desk.overview().needs if need.kind == "worker"]
    desk.stop_on("b1", "worker", "ann", "new disk")
    after = [need.look for need in desk.overview().needs if need.kind == "worker"]
    assert (before, after) == (["launch.py up"], ["launch.py super --start worker --box b1"])


def test_a_box_that_beats_is_not_forgotten_and_one_that_is_gone_is(desk: WebDesk) -> None:
    with pytest.raises(ConfigError, match="b1 is not gone"):
        desk.forget_box("b1", "ann", "x")
    desk.forget_box("b2", "ann", "sold")
    assert [box.name for box in desk.boxes().boxes] == ["b1"]
    with pytest.raises(NotFound, match="no box is called"):
        desk.boxes("b2")


def test_queues_tell_what_waits_what_runs_and_who_takes_it(desk: WebDesk) -> None:
    found = desk.queues(words="sales_hourly")
    live, backfill = found.rows
    assert (live.lane, live.requested, live.running, live.consumers, live.slots) == ("live", 1, 1, 1, 2)
    assert (backfill.lane, backfill.requested, backfill.consumers) == ("backfill", 0, 0)
    assert (live.window, found.is_all, found.fault) == (100, True, "")
    assert desk.queues(only_busy=True).total == 1
    with pytest.raises(NotFound, match="did you mean"):
        desk.queue("queue_sales_hourli")


def test_dead_letters_are_settled_one_by_one_or_all(desk: WebDesk) -> None:
    waiting = f"sales_hourly/{HOUR[:-1]}1/1/1"
    give_up_on(desk, [waiting, "nonsense", "other"])
    assert next((letter.body, letter.state) for letter in desk.dead_letters().letters) == (waiting, "state_requested")
    assert desk.drop_dead("ann", "x", only=["other"]).text == "dropped 1 dead letter"
    assert desk.dead_letters().total == 2
    answer = desk.requeue_dead("ann", "the disk is back")
    assert answer.text == "sent 1 dead letter again, dropped 1"
    assert within(desk, lambda: desk.parts.store.command(answer.command)).why == "the disk is back"
    assert desk.queue("queue_sales_hourly").messages == 1
    assert desk.purge_queue("queue_sales_hourly", "ann", "x").text.startswith("dropped 1 messages")


@pytest.mark.parametrize(("words", "expected"), [
    ("sales_hourly", ("process", "sales_hourly")),
    ("sales_hourly 2026112101", ("job", "sales_hourly 2026112101")),
    ("2026-11-21 sales_daily", ("job", "sales_daily 2026112100")),
    ("sales_hourly/2026112100", ("job", "sales_hourly 2026112100")),
    (f"sales_hourly/{HOUR}/1/1", ("uow", f"sales_hourly/{HOUR}/1/1")),
    ("load/night", ("entry", "load/night")),
    (f"load/night/{FIRE}/1", ("uow", f"load/night/{FIRE}/1")),
    ("b2", ("box", "b2")),
    ("sales", ("tree", "sales")),
])  # fmt: skip
def test_what_is_named_exactly_is_found_as_the_one_that_is_meant(desk: WebDesk, words: str, expected: tuple[str, str]) -> None:
    exact = [(hit.kind, hit.name) for hit in desk.search(words).hits if hit.is_exact]
    assert exact == [expected]


def test_a_period_alone_is_one_of_every_process_that_has_it(desk: WebDesk) -> None:
    assert [hit.name for hit in desk.search("2026-11-21").hits] == ["sales_daily 2026112100", "stock_daily 2026112100"]
    assert [hit.name for hit in desk.search("2026112101").hits] == ["sales_hourly 2026112101"]
    assert {hit.name for hit in desk.search("2026112100").hits} == {
        f"{name} 2026112100" for name in ("sales_hourly", "sales_daily", "stock_daily")
    }


def test_a_command_is_found_by_its_number_and_a_wrong_name_by_near_ones(desk: WebDesk) -> None:
    number = desk.switch_process("off", "sales_hourly", "ann", "x")
    assert [(hit.kind, hit.number) for hit in desk.search(f"#{number}").hits] == [("command", number)]
    found = desk.search("sales_hurly")
    assert (found.hits, "sales_hourly" in found.near) == ((), True)
    assert desk.search("  ").hits == desk.search("%&/$ <script>").hits == ()


def test_settings_that_may_hold_a_password_are_for_admins(desk: WebDesk) -> None:
    assert {row.name for row in desk.about().settings if row.value is None} == {
        name for name, field in TABLE.items() if field.metadata["may_hold_password"] or field.metadata["is_secret"]
    }  # fmt: skip
    assert all(row.value is not None for row in desk.about(is_admin=True).settings)
    assert desk.about().store[0].value.startswith("SQLite")


def test_the_doctor_looks_when_asked_and_not_twice_at_once(desk: WebDesk) -> None:
    assert desk.checkup().at is None
    found = desk.look_again()
    assert found.at is not None
    assert any(finding.check == "boxes" and "b2" in finding.text for finding in found.findings)
    assert desk.look_again() == desk.checkup() == found
