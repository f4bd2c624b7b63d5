"""Does `launch.py simulate` play what the engine would do, the same for the same seed, and store nothing?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from launcher.parts import Roof
from scheduler.durations import Usual
from scheduler.rehearsal import Attempt, Guess, Rehearsal
from system.context import freerun_context_entry
from system.errors import Unavailable
from tests.support.contexts import managed
from tests.support.lamp import Lamp, context, january
from tests.support.pretended_roof import LampRoof, Terminal

BEGIN = datetime(2026, 11, 20, tzinfo=UTC)
END = BEGIN + timedelta(days=2)


def rehearsal(slots: int = 4, seed: int = 1, *, mean_s: float = 60.0, failures: float = 0.0, **fields: Any) -> Rehearsal:
    """Return a play of two days of hours with their days, in a tree that has run for years."""
    given = {"lag_s": 300.0, "start": "2013010100", "blocking_type": "blocking_children", **fields}
    found = context([managed(f"flights_{level}", f"_{level}", **given) for level in ("hourly", "daily")])
    guesses = dict.fromkeys(found.managed, Guess(mean_s, failures=failures))
    return Rehearsal(found, BEGIN, END, slots=slots, guesses=guesses, seed=seed, default_start="2013010100")


def test_every_period_that_becomes_due_runs_once_and_nothing_else() -> None:
    attempts = list(rehearsal().play())
    hours = [a.timeperiod for a in attempts if a.process == "flights_hourly"]
    days = [a.timeperiod for a in attempts if a.process == "flights_daily"]
    assert (hours[0], hours[-1], len(hours), days) == ("2026111923", "2026112122", 48, ["2026111900", "2026112000"])


def test_days_of_a_zone_are_played_when_they_are_over_there() -> None:
    days = managed("flights_daily", "_daily", lag_s=0.0, start="2013010100")
    played = Rehearsal(
        context([days], "America/New_York"), BEGIN, END, slots=1, guesses={days.name: Guess()}, seed=1, default_start="2013010100"
    )
    due = {a.timeperiod: a.due_at for a in played.play()}
    assert due == {"2026111900": BEGIN + timedelta(hours=5), "2026112000": BEGIN + timedelta(hours=29)}


def test_a_day_begins_after_its_last_hour_has_ended() -> None:
    attempts = {(a.process, a.timeperiod): a for a in rehearsal(mean_s=600.0).play()}
    assert attempts["flights_daily", "2026112000"].began_at >= attempts["flights_hourly", "2026112023"].ended_at


def test_attempts_begin_when_their_period_is_due_and_are_told_in_order() -> None:
    attempts = list(rehearsal().play())
    assert [a.began_at for a in attempts if a.process == "flights_hourly"] == [a.due_at for a in attempts if a.process == "flights_hourly"]
    assert [a.ended_at for a in attempts] == sorted(a.ended_at for a in attempts)


def test_the_same_seed_gives_the_same_play_and_another_one_does_not() -> None:
    plays = [list(rehearsal(seed=seed, failures=0.2).play()) for seed in (1, 1, 2)]
    assert plays[0] == plays[1] != plays[2]


def test_one_slot_makes_them_wait_and_never_runs_two() -> None:
    played = rehearsal(1, mean_s=2_000.0)
    attempts = list(played.play())
    assert played.totals.peak == 1
    assert played.totals.longest_wait_s > 0
    assert all(after.began_at >= before.ended_at for before, after in pairwise(attempts))


def test_what_fails_is_tried_again_and_counted() -> None:
    played = rehearsal(failures=0.3)
    attempts = list(played.play())
    again = [a for a in attempts if a.number > 1]
    assert played.totals.failed == sum(a.failed for a in attempts) > 0
    assert len(again) == played.totals.failed
    assert played.totals.unfinished == []


def test_the_mean_of_the_drawn_durations_is_the_one_that_was_asked_for() -> None:
    attempts: list[Attempt] = [a for seed in range(10) for a in rehearsal(seed=seed, mean_s=100.0).play()]
    mean_s = sum((a.ended_at - a.began_at).total_seconds() for a in attempts) / len(attempts)
    assert mean_s == pytest.approx(100.0, rel=0.1)


def test_durations_are_drawn_as_the_last_runs_took() -> None:
    dice, guess = Random(1), Guess.after(Usual(100.0, 250.0, 20))
    took = sorted(guess.duration_s(dice) for _ in range(10_000))
    assert took[5_000] == pytest.approx(100.0, rel=0.05)
    assert took[9_000] == pytest.approx(250.0, rel=0.05)


def test_a_single_run_tells_how_long_and_not_how_far_that_spreads() -> None:
    assert Guess.after(Usual(100.0, 100.0, 20)) == Guess(100.0, sigma=0.0)
    assert Guess.after(Usual(100.0, 100.0, 1)).sigma == Guess().sigma
    assert Guess.after(Usual(0.0, 90_000.0, 20), failures=0.1).duration_s(Random(1)) < 1.0


@pytest.mark.parametrize("frequency", ["at 03:00", "cron 0 3 * * *"])
def test_what_becomes_due_by_a_schedule_is_played_however_long_ago_it_ended(frequency: str) -> None:
    hours = managed("flights_hourly", lag_s=0.0, start="2013010100", trigger_frequency=frequency)
    played = Rehearsal(context([hours]), BEGIN, END, slots=50, guesses={hours.name: Guess()}, seed=1, default_start="2013010100")
    attempts = sorted(played.play(), key=lambda attempt: attempt.timeperiod)
    assert (attempts[0].timeperiod, attempts[-1].timeperiod, len(attempts)) == ("2026111903", "2026112102", 48)
    assert {a.due_at for a in attempts} == {a.began_at for a in attempts} == {BEGIN + timedelta(hours=3), BEGIN + timedelta(hours=27)}


def test_what_is_due_and_never_begins_is_not_done() -> None:
    hourly, daily = (
        managed(f"flights_{level}", f"_{level}", lag_s=0.0, start="2013010100", blocking_type="blocking_children", is_on=level == "daily")
        for level in ("hourly", "daily")
    )
    found = context([hourly, daily])
    played = Rehearsal(found, BEGIN, END, slots=4, guesses=dict.fromkeys(found.managed, Guess()), seed=1, default_start="2013010100")
    assert list(played.play()) == []
    assert played.totals.unfinished == ["flights_daily 2026111900", "flights_daily 2026112000"]


def test_what_is_due_at_the_beginning_is_played_though_nothing_is_caught_up() -> None:
    hours = [a.timeperiod for a in rehearsal(catchup="none", lag_s=0.0).play() if a.process == "flights_hourly"]
    assert (hours[0], len(hours)) == ("2026111923", 48)


def test_a_process_that_ended_before_has_nothing_to_play() -> None:
    assert list(rehearsal(end="2014010100").play()) == []


# -- the command


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(LampRoof(Lamp(january(days=4))), capsys)


TWO_DAYS = ("simulate", "--from", "2013010100", "--to", "2013-01-03")


def test_every_attempt_is_a_line_and_then_comes_what_it_came_to(terminal: Terminal) -> None:
    assert terminal.run(*TWO_DAYS, "--takes", "30", "--takes", "flights_daily=600") == 0
    lines = terminal.out.splitlines()
    assert lines[0].startswith("2013-01-01 01:00:00Z  flights_hourly 2013010100  done after ")
    assert lines[-2].startswith("48 attempts, ")
    assert len(lines) == 50


def test_nothing_is_stored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "context.py").write_text("process_context = []\ntimetable_context = []\n")
    roof = Roof({"HORARIUM_CONTEXT": str(tmp_path / "context.py"), "HORARIUM_VAR": str(tmp_path / "var")}, tmp_path)
    terminal = Terminal(roof, capsys)
    assert terminal.run(*TWO_DAYS) == 0
    assert terminal.out == "nothing becomes due in that time\n"
    assert not (tmp_path / "var").exists()


def test_as_json_it_is_one_document(terminal: Terminal) -> None:
    found = terminal.json(*TWO_DAYS, "--seed", "3")
    assert len(found["attempts"]) == found["totals"]["attempts"] == 48
    assert terminal.json(*TWO_DAYS, "--seed", "3", "--summary")["attempts"] == []


def worked(seconds: float) -> Lamp:
    """Return a lamp in which one hour, and a fire of an entry, took so long."""
    load = freerun_context_entry("load", "night", "jobs.load", "load", "every 60")
    lamp = Lamp([*january(days=4), load])
    lamp.pass_s(60)
    claimed = lamp.claim("flights_hourly/2013010100/1/1", f"{lamp.fires()[0]}/1")
    lamp.clock.sleep(seconds)
    for uow in claimed:
        lamp.finish(uow)
    lamp.turn(2)
    return lamp


def test_attempts_take_as_long_as_they_usually_did_where_nothing_else_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(LampRoof(worked(500.0)), capsys)
    found = terminal.json(*TWO_DAYS)
    usual = {"seconds": 500.0, "long_s": 500.0, "runs": 1}
    assert found["usual"] == {"flights_hourly": usual, "load": usual}
    assert terminal.json(*TWO_DAYS, "--takes", "load=3")["usual"] == {"flights_hourly": usual}
    assert terminal.json(*TWO_DAYS, "--takes", "60")["usual"] == {}
    took = [span_s(attempt) for attempt in found["attempts"] if attempt["process"] == "flights_hourly"]
    assert sum(took) / len(took) == pytest.approx(540.0, rel=0.2)
    terminal.run(*TWO_DAYS, "--summary")
    assert terminal.out.endswith("2 processes went as usual: as long as the last runs in the store took\n")


def span_s(attempt: dict[str, str]) -> float:
    """Return how long an attempt took."""
    began, ended = (datetime.fromisoformat(attempt[name]) for name in ("began_at", "ended_at"))
    return (ended - began).total_seconds()


def test_a_store_that_can_not_be_asked_is_said_and_stops_no_play(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: object) -> None:
        raise Unavailable("no MongoDB server serves")

    lamp = Lamp(january(days=4))
    monkeypatch.setattr(lamp.store, "chunks", away)
    terminal = Terminal(LampRoof(lamp), capsys)
    assert terminal.run(*TWO_DAYS, "--summary") == 0
    assert terminal.err == "! what attempts usually take is not known, 60 s are taken: no MongoDB server serves\n"
    assert terminal.out.startswith("48 attempts, ")


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (("--from", "2013010100", "--to", "2013010100"), 2, "is not after --from"),
        (("--from", "yesterday", "--to", "2013010200"), 2, "'yesterday' is no moment: write 2026112013"),
        (("--from", "0001-01-01T00:00+05:00", "--to", "2013010200"), 2, "in UTC, of the years 1900 to 9000"),
        (("--from", "0001010100", "--to", "2013010200"), 2, "in UTC, of the years 1900 to 9000"),
        (("--from", "9999-12-30", "--to", "9999-12-31"), 2, "in UTC, of the years 1900 to 9000"),
        ((*TWO_DAYS[1:], "--takes", "flights_hurly=3"), 2, "did you mean flights_hourly"),
        ((*TWO_DAYS[1:], "--takes", "long"), 2, "expected a number from 0.001"),
        ((*TWO_DAYS[1:], "--fails", "1"), 2, "expected a number from 0 to 0.9"),
    ],
)
def test_what_makes_no_sense_is_refused(terminal: Terminal, given: tuple[str, ...], code: int, said: str) -> None:
    assert terminal.run("simulate", *given) == code
    assert said in terminal.err


def test_what_is_not_done_at_the_end_is_said_with_exit_code_1(terminal: Terminal) -> None:
    assert terminal.run(*TWO_DAYS, "--takes", "400000", "--slots", "1", "--summary") == 1
    assert "not done at the end: " in terminal.out
