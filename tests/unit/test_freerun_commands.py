"""What do commands do to freerun entries, and does it last?"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from db.model import Command, CommandState, Turn
from scheduler.freerun_commands import PREFIX, VERBS
from scheduler.freerun_desk import FreerunDesk
from system.context import Context, FreerunProcess, freerun_context_entry
from system.errors import NotFound
from system.fires import fire_id, fires_of
from system.lifecycle import UowEvent, UowState
from tests.support.lamp import NOW, Lamp


def entry(name: str = "night", schedule: str = "every 60", **fields: Any) -> FreerunProcess:
    return freerun_context_entry("load", name, "jobs.load", "load", schedule, **fields)


def lamp_of(*entries: FreerunProcess) -> Lamp:
    lamp = Lamp(entries or [entry()])
    lamp.turn()
    return lamp


def desk(lamp: Lamp) -> FreerunDesk:
    return FreerunDesk(lamp.store, lamp.broker, lamp.context, lamp.clock)


def give(lamp: Lamp, verb: str, name: str = "night", process: str = "load", **details: Any) -> Command:
    """Give a command and return it as it was answered."""
    number = desk(lamp).give(verb, process, name, "ann", "test", details)
    lamp.turn()
    return lamp.store.command(number)


def restart(lamp: Lamp, *entries: FreerunProcess) -> None:
    """Let another scheduler lead, with another context."""
    if entries:
        lamp.context = Context(entries, {})
    leaders = [session.id for session in lamp.store.sessions() if session.kind == "scheduler"]
    lamp.store.close_sessions(leaders)
    lamp.engine = lamp.another_engine(f"{leaders[-1]}-heir")
    lamp.turn(3)


def test_an_entry_that_is_made_by_command_fires_what_its_process_runs() -> None:
    lamp = lamp_of(entry(is_on=False, arguments={"a": 1, "b": 1}))
    answered = give(lamp, "create", "noon", trigger_frequency="every 60", arguments={"b": 2}, is_on=True)
    assert (answered.state, answered.answer[:18]) == (CommandState.DONE, "load/noon is there")
    lamp.pass_s(60)
    (fire,) = lamp.fires()
    assert (fire.rpartition("/")[0], json.loads(lamp.uow(f"{fire}/1").arguments)) == ("load/noon", {"a": 1, "b": 2})
    assert lamp.uow(f"{fire}/1").runs_as == "night"


def test_fault_17_and_19_a_change_from_every_to_at_lasts_over_restarts_and_changes_of_the_context() -> None:
    lamp = lamp_of()
    assert give(lamp, "change", trigger_frequency="at 03:00").state is CommandState.DONE
    restart(lamp, entry(schedule="every 30", description="changed"))
    assert desk(lamp).next_fires("load", "night", 1) == [NOW.replace(hour=3)]
    lamp.pass_s(3 * 3600)
    assert lamp.fires() == [f"load/night/{fire_id(NOW.replace(hour=3))}"]


def test_arguments_are_refused_where_those_given_one_by_one_are_too_long_together() -> None:
    lamp = lamp_of()
    assert give(lamp, "change", arguments={"a": "x" * 60_000}).state is CommandState.DONE
    answered = give(lamp, "change", arguments={"b": "x" * 60_000})
    assert answered.state is CommandState.REFUSED
    assert "arguments are 120,018 characters as JSON, and those of an entry may be 100,000" in answered.answer


def test_the_mark_of_what_was_given_together_is_no_field() -> None:
    lamp = lamp_of()
    made = give(lamp, "create", "noon", trigger_frequency="every 60", undertaking="m")
    changed = give(lamp, "change", description="d", undertaking="m")
    assert (made.state, changed.state) == (CommandState.DONE, CommandState.DONE)
    assert [json.loads(lamp.entry(name).given) for name in ("noon", "night")] == [{"trigger_frequency": "every 60"}, {"description": "d"}]


def test_what_was_given_is_taken_back_field_by_field() -> None:
    lamp = lamp_of()
    give(lamp, "change", trigger_frequency="at 03:00", overlap="queue 3")
    give(lamp, "change", take_back=["trigger_frequency"])
    assert json.loads(lamp.entry("night").given) == {"overlap": "queue 3"}


def test_off_keeps_it_from_firing_over_a_restart_and_on_goes_on_from_now() -> None:
    lamp = lamp_of()
    assert give(lamp, "off").answer == "load/night is changed; it is off"
    restart(lamp)
    lamp.pass_s(600)
    assert lamp.fires() == []
    give(lamp, "on")
    lamp.pass_s(60)
    assert (len(lamp.fires()), lamp.entry("night").missed) == (1, 0)


def test_off_twice_is_refused() -> None:
    lamp = lamp_of()
    give(lamp, "off")
    assert give(lamp, "off").answer == "load/night is off already"


def test_a_trigger_fires_now_and_changes_nothing_of_the_schedule() -> None:
    lamp = lamp_of()
    before = desk(lamp).next_fires("load", "night", 3)
    answered = give(lamp, "trigger")
    assert answered.answer == "load/night/20200101000000000/1 is taken"
    assert lamp.fires() == ["load/night/20200101000000000"]
    assert desk(lamp).next_fires("load", "night", 3) == before


def test_two_triggers_of_one_moment_are_two_fires() -> None:
    lamp = lamp_of(entry(overlap="allow 5"))
    give(lamp, "trigger")
    give(lamp, "trigger")
    assert lamp.fires() == ["load/night/20200101000000000", "load/night/20200101000000001"]


def test_a_trigger_that_the_overlap_forbids_is_refused() -> None:
    lamp = lamp_of()
    give(lamp, "trigger")
    answered = give(lamp, "trigger")
    assert answered.state is CommandState.REFUSED
    assert answered.answer == "load/night has not ended the fire 20200101000000000, and its overlap is 'skip'"
    assert lamp.entry("night").overlapped == 0


def test_an_entry_that_is_deleted_ends_what_runs_and_is_brought_back_by_create() -> None:
    lamp = lamp_of()
    give(lamp, "trigger")
    assert give(lamp, "delete").answer == "load/night is deleted; 1 run goes on to the end"
    lamp.work("load/night/20200101000000000/1")
    lamp.pass_s(120)
    assert (lamp.fires(), lamp.entry("night").runs, lamp.entry("night").succeeded) == ([], (), 1)
    restart(lamp)
    assert give(lamp, "trigger").state is CommandState.REFUSED
    assert give(lamp, "create").state is CommandState.DONE
    lamp.pass_s(60)
    assert len(lamp.fires()) == 1


def test_cancel_ends_what_runs_and_drops_what_waits() -> None:
    lamp = lamp_of(entry(overlap="queue 5"))
    for _ in range(3):
        give(lamp, "trigger")
    (uow,) = lamp.claim(*(f"{fire}/1" for fire in lamp.fires()))
    assert give(lamp, "cancel").answer == "1 run is being ended, 2 fires that waited are let go"
    assert lamp.uow(uow.id).cancel_requested
    lamp.finish(uow, UowEvent.CANCELED)
    lamp.turn(2)
    assert (lamp.entry("night").runs, lamp.entry("night").canceled) == ((), 3)


def test_what_nobody_has_taken_is_canceled_at_once() -> None:
    lamp = lamp_of()
    give(lamp, "trigger")
    give(lamp, "cancel")
    lamp.turn()
    assert lamp.uow("load/night/20200101000000000/1").state is UowState.CANCELED
    assert lamp.entry("night").runs == ()


def test_what_is_held_is_released() -> None:
    lamp = lamp_of(entry(on_failure="hold", max_attempts=1))
    give(lamp, "trigger")
    lamp.work("load/night/20200101000000000/1", event=UowEvent.FAILED)
    assert desk(lamp).view("load", "night").why[0].kind == "held"
    assert give(lamp, "release").answer == "1 run is tried again"
    assert lamp.fires() == ["load/night/20200101000000000"]


@pytest.mark.parametrize(
    ("verb", "name", "details", "words"),
    [
        ("create", "night", {"trigger_frequency": "every 5"}, "load/night is there already: `change` changes it"),
        ("create", "noon", {}, "load/noon needs a schedule: give trigger_frequency"),
        ("create", "noon", {"trigger_frequency": "every 0"}, "'every 0' is not a schedule"),
        ("change", "night", {}, "nothing is to be changed: name a field"),
        ("change", "night", {"overlap": "queue", "misfire": "twice"}, "misfire 'twice' is unknown"),
        ("change", "night", {"classname": "os.system"}, "an entry has no field 'classname' to be given"),
        ("change", "nigth", {"overlap": "skip"}, "there is no freerun entry 'load/nigth'; did you mean 'load/night'?"),
        ("cancel", "night", {}, "nothing of load/night is running or waiting"),
        ("release", "night", {}, "nothing of load/night is held"),
        ("dance", "night", {}, "there is no command 'freerun dance': use one of freerun create"),
    ],
)
def test_what_can_not_be_done_is_refused_with_what_to_do(verb: str, name: str, details: dict[str, Any], words: str) -> None:
    answered = give(lamp_of(), verb, name, **details)
    assert answered.state is CommandState.REFUSED
    assert words in answered.answer


def test_a_process_that_is_unknown_is_refused_with_a_near_one() -> None:
    answered = give(lamp_of(), "create", process="laod", trigger_frequency="every 5")
    assert answered.answer == "laod/night: there is no freerun process 'laod'; did you mean 'load'?"


def test_every_verb_is_answered_in_one_turn() -> None:
    for verb in VERBS:
        assert give(lamp_of(), verb, trigger_frequency="every 5").verb == PREFIX + verb
        assert lamp_of().store.open_commands(1) == []


def test_the_desk_shows_entries_with_their_next_fire_and_what_is_under_way() -> None:
    lamp = lamp_of(entry(), entry("off", is_on=False))
    give(lamp, "trigger")
    lines = desk(lamp).lines()
    assert [(line.entry, line.state, line.running) for line in lines] == [("night", "on", 1), ("off", "off", 0)]
    assert [line.next_fire for line in lines] == [fires_of("every 60", "load/night").after(NOW), None]


def test_the_desk_says_what_an_entry_waits_for() -> None:
    lamp = lamp_of(entry(overlap="queue 2"))
    for _ in range(2):
        give(lamp, "trigger")
    give(lamp, "off")
    said = [blocker.text for blocker in desk(lamp).view("load", "night").why]
    assert said == [
        "it is switched off by ann: test",
        "20200101000000000 waits in queue_load_freerun for a slot",
        "20200101000000001 waits for the end of what is under way",
    ]


@pytest.mark.parametrize(
    ("queues", "end"), [(None, "and no worker runs"), (["queue_sales"], "and no worker takes from it: see present_on_boxes of its entry")]
)
def test_a_fire_that_nobody_takes_says_so(queues: list[str] | None, end: str) -> None:
    lamp = lamp_of(entry())
    give(lamp, "trigger")
    lamp.store.close_sessions(["worker-1"])
    if queues:
        lamp.open_session("worker-2", slots=8, queues=queues)
    (why,) = desk(lamp).view("load", "night").why
    assert (why.kind, why.text.endswith(end)) == ("worker", True)


def test_an_entry_that_is_unknown_is_said_with_a_near_one() -> None:
    with pytest.raises(NotFound, match="load has no entry 'nigth'; did you mean 'night'"):
        desk(lamp_of()).view("load", "nigth")


def test_fault_18_what_was_missed_before_a_change_is_made_or_counted_by_what_held_then() -> None:
    lamp = lamp_of(entry(misfire="once"))
    lamp.clock.sleep(600)
    give(lamp, "change", trigger_frequency="cron 0 3 * * *")
    lamp.turn()
    (found,) = lamp.store.entries()
    assert (len(lamp.fires()), found.missed, found.goes_by) == (1, 9, "cron 0 3 * * *")


def test_of_fires_that_wait_the_last_is_left_where_each_now_replaces_the_one_before() -> None:
    lamp = lamp_of(entry(overlap="queue 5"))
    lamp.pass_s(240)
    give(lamp, "change", overlap="replace")
    (found,) = lamp.store.entries()
    assert (len(found.waiting), found.overlapped, [run.is_ending for run in found.runs]) == (1, 2, [True])


def test_an_entry_that_is_made_again_while_the_clock_is_back_fires_nothing_twice() -> None:
    lamp = lamp_of(entry())
    lamp.pass_s(60)
    made = lamp.fires()
    lamp.clock.jump(-120)
    give(lamp, "delete")
    give(lamp, "create", overlap="allow 9")
    lamp.pass_s(100)
    assert lamp.fires() == made


def test_a_command_about_an_entry_that_is_new_in_the_context_finds_it() -> None:
    lamp = Lamp([entry()])
    assert give(lamp, "off").state is CommandState.DONE


def made_anew(lamp: Lamp) -> None:
    """Let an entry leave the context while its run is under way, and be made anew by a command."""
    restart(lamp, entry("day", is_on=False))
    assert give(lamp, "create", trigger_frequency="every 60", is_on=True).state is CommandState.DONE


def test_the_run_of_an_entry_that_left_and_is_made_anew_is_settled_and_the_next_one_fires() -> None:
    lamp = lamp_of(entry(), entry("day", is_on=False))
    lamp.pass_s(60)
    (uow,) = lamp.claim(*(f"{fire}/1" for fire in lamp.fires()))
    made_anew(lamp)
    lamp.finish(uow)
    lamp.pass_s(60)
    assert (lamp.entry("night").succeeded, len(lamp.fires())) == (1, 1)


def test_the_run_of_an_entry_that_left_and_is_made_anew_can_be_canceled() -> None:
    lamp = lamp_of(entry(), entry("day", is_on=False))
    lamp.pass_s(60)
    (fire,) = lamp.fires()
    made_anew(lamp)
    assert give(lamp, "cancel").answer == "1 run is being ended, 0 fires that waited are let go"
    lamp.turn(2)
    assert (lamp.uow(f"{fire}/1").state, lamp.entry("night").runs) == (UowState.CANCELED, ())


def test_a_run_whose_unit_of_work_is_gone_by_the_time_its_entry_is_made_anew_is_put_back() -> None:
    lamp = lamp_of(entry(), entry("day", is_on=False))
    lamp.pass_s(60)
    before = lamp.fires()
    lamp.store.remove_uows([f"{fire}/1" for fire in before])
    made_anew(lamp)
    assert lamp.fires() == before


def test_a_grace_of_more_than_a_century_is_refused() -> None:
    found = give(lamp_of(), "change", misfire="all", grace_s=1e11)
    assert (found.state, found.answer) == (
        CommandState.REFUSED, "load/night: grace_s 100000000000.0 is no number of seconds: use 0 or more, at most a century",
    )  # fmt: skip


def test_a_grace_of_more_than_a_century_that_was_given_before_it_was_refused_stops_no_leader() -> None:
    lamp = lamp_of(entry(overlap="allow 99"))
    made = lamp.entry("night")
    given = replace(made, turn=lamp.engine.head + 1, given=json.dumps({"misfire": "all", "grace_s": 1e11}))
    lamp.store.project(Turn(given.turn, "scheduler-1", NOW, entries=(given,)), ())
    lamp.clock.sleep(300)
    restart(lamp)
    assert len(lamp.fires()) == 5
