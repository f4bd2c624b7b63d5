"""What does the engine do with freerun entries, turn by turn?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from db.entries import Entry
from scheduler import freerun
from scheduler.policy import SchedulerSettings
from system.context import FreerunProcess, freerun_context_entry
from system.fires import fire_id, fires_of
from system.lifecycle import UowEvent, UowState
from tests.support.lamp import NOW, Lamp


def entry(name: str = "night", schedule: str = "every 60", **fields: Any) -> FreerunProcess:
    return freerun_context_entry("load", name, "jobs.load", "load", schedule, **fields)


def fires(count: int, name: str = "night", schedule: str = "every 60") -> list[str]:
    """Return the first fires of an entry after NOW."""
    return [f"load/{name}/{fire_id(moment)}" for moment in fires_of(schedule, f"load/{name}").coming(NOW, count)]


def finish(lamp: Lamp, event: UowEvent = UowEvent.DONE) -> None:
    """Work off what is requested."""
    lamp.work(*(f"{fire}/1" for fire in lamp.fires()), event=event)


def counts(found: Entry) -> dict[str, int]:
    names = ("fired", "succeeded", "failed", "canceled", "overlapped", "missed")
    return {name: count for name in names if (count := getattr(found, name))}


def test_an_entry_fires_by_its_schedule_and_is_settled() -> None:
    lamp = Lamp([entry()])
    lamp.pass_s(60)
    assert lamp.fires() == fires(1)
    finish(lamp)
    assert counts(lamp.entry("night")) == {"fired": 1, "succeeded": 1}
    assert lamp.entry("night").runs == ()


def test_a_fire_is_sent_to_its_queue_and_its_window_is_its_moment() -> None:
    lamp = Lamp([entry(arguments={"table": "a"})])
    lamp.pass_s(60)
    uow = lamp.uow(f"{fires(1)[0]}/1")
    assert (uow.queue, uow.timeperiod, uow.arguments) == ("queue_load_freerun", fires(1)[0][-14:], '{"table": "a"}')
    assert lamp.broker.depths([uow.queue]) == {uow.queue: 1}


def test_fault_3_a_long_run_makes_no_drift() -> None:
    lamp = Lamp([entry(overlap="queue 5")])
    made = []
    for _ in range(5):
        lamp.pass_s(60)
        made += lamp.fires()
        lamp.clock.sleep(7.3)
        finish(lamp)
    assert made == fires(5)


def test_nothing_fires_while_it_is_off_and_nothing_was_missed_then() -> None:
    lamp = Lamp([entry(is_on=False)])
    lamp.pass_s(600)
    assert counts(lamp.entry("night")) == {}


def test_skip_lets_a_fire_go_while_the_last_one_is_not_over() -> None:
    lamp = Lamp([entry()])
    lamp.pass_s(180)
    assert lamp.fires() == fires(1)
    assert counts(lamp.entry("night")) == {"fired": 1, "overlapped": 2}


def test_queue_keeps_fires_up_to_its_bound_in_order() -> None:
    lamp = Lamp([entry(overlap="queue 2")])
    lamp.pass_s(300)
    assert counts(lamp.entry("night")) == {"fired": 1, "overlapped": 2}
    made = []
    for _ in range(3):
        made += lamp.fires()
        finish(lamp)
    assert made == fires(3)


def test_allow_runs_so_many_at_once() -> None:
    lamp = Lamp([entry(overlap="allow 2")])
    lamp.pass_s(240)
    assert lamp.fires() == fires(2)
    assert counts(lamp.entry("night")) == {"fired": 2, "overlapped": 2}


def test_replace_opens_the_successor_only_after_the_predecessor_has_ended() -> None:
    lamp = Lamp([entry(schedule="every 5", overlap="replace")])
    lamp.pass_s(5)
    (uow,) = lamp.claim(*(f"{fire}/1" for fire in lamp.fires()))
    lamp.pass_s(5)
    assert lamp.fires() == []
    assert lamp.uow(uow.id).cancel_requested
    lamp.finish(uow, UowEvent.CANCELED)
    lamp.turn()
    assert lamp.fires() == fires(2, schedule="every 5")[1:]
    assert counts(lamp.entry("night")) == {"fired": 2, "canceled": 1}


def test_replace_of_what_nobody_has_taken_is_done_at_once() -> None:
    lamp = Lamp([entry(overlap="replace")])
    lamp.pass_s(120)
    assert lamp.fires() == fires(2)[1:]
    assert lamp.uow(f"{fires(1)[0]}/1").state is UowState.CANCELED


def test_replace_keeps_the_latest_of_those_that_wait() -> None:
    lamp = Lamp([entry(schedule="every 5", overlap="replace")])
    lamp.pass_s(5)
    lamp.claim(*(f"{fire}/1" for fire in lamp.fires()))
    lamp.pass_s(15)
    assert lamp.entry("night").waiting == (fires(4, schedule="every 5")[3][-14:],)
    assert counts(lamp.entry("night")) == {"fired": 1, "overlapped": 2}


def away(lamp: Lamp, seconds: float) -> None:
    """Let time pass in which no scheduler leads."""
    lamp.turn()
    lamp.clock.sleep(seconds)
    lamp.store.close_sessions(["scheduler-1"])
    lamp.engine = lamp.another_engine("scheduler-2")
    lamp.turn(3)


@pytest.mark.parametrize(
    ("misfire", "made", "missed"),
    [("skip", [], 5), ("once", [5], 4), ("all", [1, 2, 3, 4, 5], 0)],
)
def test_fault_18_missed_fires_are_made_or_counted_by_the_misfire_policy(misfire: str, made: list[int], missed: int) -> None:
    coming = fires_of("every 60", "load/night").coming(NOW, 5)
    lamp = Lamp([entry(misfire=misfire, overlap="allow 99")])
    away(lamp, (coming[-1] - NOW).total_seconds() + 20)
    assert lamp.fires() == [fires(5)[number - 1] for number in made]
    found = lamp.entry("night")
    assert (found.missed, found.missed_from) == (missed, coming[0] if missed else None)


def test_fault_18_a_missed_fire_that_is_older_than_the_grace_is_counted() -> None:
    coming = fires_of("every 60", "load/night").coming(NOW, 5)
    lamp = Lamp([entry(misfire="all", grace_s=100.0, overlap="allow 99")])
    away(lamp, (coming[-1] - NOW).total_seconds() + 20)
    found = lamp.entry("night")
    assert lamp.fires() == fires(5)[3:]
    assert (found.missed, found.missed_from, found.missed_until) == (3, coming[0], coming[2])


def test_a_failover_that_is_short_misses_nothing() -> None:
    coming = fires_of("every 2", "load/night").coming(NOW, 4)
    lamp = Lamp([entry(schedule="every 2", misfire="skip", overlap="allow 9")])
    away(lamp, (coming[-1] - NOW).total_seconds())
    assert lamp.fires() == fires(4, schedule="every 2")


def test_a_fire_that_was_decided_and_not_projected_is_made_once_by_who_takes_over() -> None:
    lamp = Lamp([entry(overlap="allow 9")])
    lamp.pass_s(60)
    before = lamp.fires()
    away(lamp, 0)
    assert (before, lamp.fires()) == (fires(1), fires(1))
    assert lamp.entry("night").fired == 1


def test_fault_11_the_death_of_its_worker_makes_a_fire_due_again() -> None:
    lamp = Lamp([entry()])
    lamp.pass_s(60)
    lamp.claim(f"{fires(1)[0]}/1")
    lamp.store.close_sessions(["worker-1"])
    lamp.sweep()
    assert lamp.fires() == fires(1)
    assert lamp.uow(f"{fires(1)[0]}/1").losses == 1


def test_fault_11_an_entry_whose_workers_die_again_and_again_goes_on_with_its_next_fire() -> None:
    lamp = Lamp([entry()], SchedulerSettings(max_losses=2))
    lamp.pass_s(60)
    for number in range(3):
        lamp.open_session(f"mortal-{number}")
        assert lamp.claim(*(f"{fire}/1" for fire in lamp.fires()), session=f"mortal-{number}")
        lamp.store.close_sessions([f"mortal-{number}"])
        lamp.sweep()
    lamp.turn(2)
    found = lamp.entry("night")
    assert (found.failed, found.runs) == (1, ())
    assert "its worker was lost 3 times" in found.last_reason
    lamp.pass_s(60)
    assert len(lamp.fires()) == 1


def test_fault_11_an_entry_that_is_held_on_failure_says_so_and_waits_for_a_person() -> None:
    lamp = Lamp([entry(on_failure="hold", max_attempts=1)])
    lamp.pass_s(60)
    finish(lamp, UowEvent.FAILED)
    (run,) = lamp.entry("night").runs
    assert run.held == "1 attempt failed, last: "


def test_an_attempt_that_failed_is_tried_again_after_its_backoff() -> None:
    lamp = Lamp([entry()])
    lamp.pass_s(60)
    finish(lamp, UowEvent.FAILED)
    assert lamp.fires() == []
    lamp.pass_s(5)
    assert lamp.fires() == fires(1)
    finish(lamp)
    assert counts(lamp.entry("night")) == {"fired": 1, "succeeded": 1}


def test_attempts_that_are_used_up_let_the_entry_go_on() -> None:
    lamp = Lamp([entry(max_attempts=2)])
    lamp.pass_s(60)
    for _ in range(2):
        finish(lamp, UowEvent.FAILED)
        lamp.pass_s(5)
    assert counts(lamp.entry("night")) == {"fired": 1, "failed": 1}
    lamp.pass_s(60)
    assert len(lamp.fires()) == 1


def test_at_most_a_window_of_a_queue_is_requested_and_the_rest_waits() -> None:
    lamp = Lamp([entry(str(n)) for n in range(20)], SchedulerSettings(window_least=5, window_per_slot=1))
    lamp.pass_s(60)
    assert len(lamp.fires()) == 5
    finish(lamp)
    assert len(lamp.fires()) == 5
    assert sum(found.fired for found in lamp.store.entries()) == 10


def test_an_attempt_that_is_due_and_has_no_room_waits_without_haste() -> None:
    lamp = Lamp([entry(str(n)) for n in range(3)], SchedulerSettings(window_least=2, window_per_slot=0))
    lamp.pass_s(60)
    lamp.work(*(f"{fire}/1" for fire in lamp.fires()), event=UowEvent.FAILED)
    lamp.pass_s(8)
    assert len(lamp.fires()) == 2
    assert lamp.turn() > 0


def test_a_second_engine_that_follows_leads_on_without_a_fire_lost_or_doubled() -> None:
    lamp = Lamp([entry(schedule="every 10", overlap="allow 99")])
    rival = lamp.another_engine("scheduler-2")
    for _ in range(12):
        lamp.clock.sleep(5)
        lamp.turn()
        rival.turn(lamp.clock.now())
    lamp.store.close_sessions(["scheduler-1"])
    lamp.engine = rival
    lamp.pass_s(60)
    assert lamp.fires() == fires(12, schedule="every 10")


def test_an_entry_that_left_the_context_fires_no_more_and_its_record_stays() -> None:
    lamp = Lamp([entry(), entry("day")])
    lamp.pass_s(60)
    finish(lamp)
    lamp.context = type(lamp.context)((entry("day"),), {})
    away(lamp, 60)
    assert [fire.split("/")[1] for fire in lamp.fires()] == ["day"]
    assert lamp.entry("night").succeeded == 1


def test_the_engine_asks_to_be_called_when_the_next_fire_is_due() -> None:
    lamp = Lamp([entry(schedule="every 3600")], SchedulerSettings(sweep_s=9_999.0))
    wait_s = lamp.turn()
    assert NOW + timedelta(seconds=wait_s) == fires_of("every 3600", "load/night").after(NOW)


# -- after an absence


@pytest.mark.parametrize(
    ("schedule", "counted", "told"),
    [("every 60", 2880, "2,880 fires"), ("at 00:00,12:00", 4, "4 fires"), ("cron * * * * *", 1000, "at least 1,000 fires")],
)
def test_what_was_missed_in_two_days_is_counted_or_said_to_be_more(schedule: str, counted: int, told: str) -> None:
    lamp = Lamp([entry(schedule=schedule, misfire="skip")])
    away(lamp, 2 * 86_400 + 30)
    assert lamp.entry("night").missed == counted
    (event,) = lamp.store.events("load", "night", 10)
    assert event.text.startswith(told)


def test_the_first_turns_after_an_absence_walk_so_many_fires_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freerun, "MOST_WALKED", 2_000)
    lamp = Lamp([entry(f"cron{n}", "cron * * * * *", misfire="skip") for n in range(6)])
    away(lamp, 2 * 86_400 + 30)
    lamp.turn()
    assert [len(turn.entries) for turn in lamp.store.turns_after(0, 99)][-3:] == [2, 2, 2]


def test_a_fire_that_waits_behind_what_an_absence_left_is_made_and_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freerun, "MOST_WALKED", 1_000)
    backlog = [entry(f"cron{n}", "cron * * * * *", misfire="skip") for n in range(20)]
    lamp = Lamp([*backlog, entry(schedule="cron 5 0 3 1 *", misfire="skip")])
    away(lamp, 2 * 86_400 + 299)
    for _ in range(25):
        lamp.clock.sleep(4)
        lamp.turn()
    assert "load/night/20200103000500" in lamp.fires()
    assert lamp.entry("night").missed == 0


def test_a_fire_that_came_while_the_leader_stood_still_was_missed() -> None:
    lamp = Lamp([entry(schedule="at 00:05", misfire="skip")])
    lamp.turn()
    lamp.clock.sleep(320)
    lamp.turn(3)
    assert (lamp.fires(), lamp.entry("night").missed) == ([], 1)
