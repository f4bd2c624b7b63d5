"""Does the audit find what is wrong in the records, each kind of it, and nothing where all is well?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from db.memory import MemoryStore
from db.model import Chunk, Job, Turn, UnitOfWork
from scheduler.audit import LATE, MISSING, ORDER, OVERLAP, TWICE, out_of_order, overlaps, ran_twice
from scheduler.audit_count import EVERY_S, FACT, WINDOW, AuditCount, counted
from system.lifecycle import JobState, UowState
from tests.support.audits import audited, kinds
from tests.support.builders import NOW, job, uow
from tests.support.lamp import Lamp, hours, january
from tests.support.pretended_roof import LampRoof, Terminal

HOUR, DAY = ("flights_hourly", "2013010105"), ("flights_daily", "2013010100")
SECOND = timedelta(seconds=1)


class Bare(MemoryStore):
    """A store into which a hand may reach."""

    def put_job(self, job: Job) -> None:
        """Put a record in place, whatever is there."""
        self._jobs[job.process, job.timeperiod] = job
        if (job.process, job.timeperiod) in self._active:
            self._active[job.process, job.timeperiod] = job

    def lose_job(self, process: str, timeperiod: str) -> None:
        """Lose a record."""
        del self._jobs[process, timeperiod]

    def lose_uow(self, uow_id: str) -> None:
        """Lose a unit of work."""
        del self._uows[uow_id]

    def put_uow(self, uow: UnitOfWork) -> None:
        """Put a unit of work in place."""
        self._uows[uow.id] = uow
        self._of_job[uow.process, uow.timeperiod][uow.id] = None


@pytest.fixture
def store() -> Bare:
    return Bare()


@pytest.fixture
def lamp(store: Bare) -> Lamp:
    lamp = Lamp(january(), store=store)
    lamp.run()
    return lamp


def found(lamp: Lamp) -> list[tuple[str, str, str]]:
    return kinds(audited(lamp.store, lamp.context, lamp.clock, lamp.settings))


def test_where_all_is_well_nothing_is_found(lamp: Lamp) -> None:
    assert lamp.state(*DAY) is JobState.PROCESSED
    assert found(lamp) == []


def test_a_reprocess_a_skip_and_a_failover_leave_nothing_to_find(lamp: Lamp) -> None:
    lamp.give("reprocess", *HOUR)
    assert found(lamp) == []
    lamp.run()
    lamp.give("reprocess", *HOUR)
    lamp.give("skip", *HOUR)
    lamp.store.close_sessions(["scheduler-1"])
    lamp.engine = lamp.another_engine("scheduler-2")
    lamp.run()
    assert found(lamp) == []


def test_a_record_that_is_gone_is_missing(lamp: Lamp, store: Bare) -> None:
    store.lose_job(*HOUR)
    assert found(lamp) == [(*HOUR, MISSING)]


def test_a_record_that_was_archived_is_not_missing(lamp: Lamp, store: Bare) -> None:
    store.remove_jobs([lamp.job(*HOUR)])
    assert found(lamp) == []


def test_a_record_that_its_chunk_contradicts_is_missing(lamp: Lamp, store: Bare) -> None:
    noop = JobState.NOOP
    store.put_job(replace(lamp.job(*HOUR), state=noop))
    assert found(lamp) == [(*HOUR, MISSING)]


def test_a_chunk_that_was_lost_leaves_periods_missing(lamp: Lamp, store: Bare) -> None:
    chunks = [replace(chunk, states=b"", turn=10**6) for chunk in store.chunks(["flights_daily"])]
    store.project(Turn(store.projected_turn(), "x", NOW), chunks)
    assert (*DAY, MISSING) in found(lamp)


def test_a_unit_of_work_that_is_gone_is_missing(store: Bare) -> None:
    lamp = Lamp(january(("hourly",)), store=store)
    lamp.turn()
    store.lose_uow("/".join((*HOUR, "1", "1")))
    assert found(lamp) == [(*HOUR, MISSING)]


def test_a_due_period_that_nothing_keeps_is_missing(store: Bare) -> None:
    lamp = Lamp(january(("hourly",)), store=store)
    lamp.run()
    states = bytes(24)
    (chunk,) = store.chunks(["flights_hourly"])
    store.project(Turn(store.projected_turn(), "x", NOW), [Chunk(chunk.process, chunk.number, chunk.first, states, 10**6)])
    for hour in range(24):
        store.lose_job("flights_hourly", f"20130101{hour:02}")
    assert len(found(lamp)) == 24
    store.close_sessions(["scheduler-1"])
    assert found(lamp) == []  # nobody leads: that is what they wait for


def test_what_waits_for_room_or_for_an_operator_is_not_missing() -> None:
    lamp = Lamp(january(("hourly",), max_in_flight=2))
    lamp.turn(3)
    assert found(lamp) == []
    lamp.switch("off")
    lamp.work(*hours(2))
    assert found(lamp) == []


def test_what_is_past_its_deadline_is_late() -> None:
    lamp = Lamp(january(("hourly",), deadline=3600.0))
    lamp.turn()
    lamp.work(*hours(23))
    assert found(lamp) == [("flights_hourly", "2013010123", LATE)]


def test_two_successes_that_nothing_asked_for_are_found(lamp: Lamp, store: Bare) -> None:
    first = lamp.uow("/".join((*HOUR, "1", "1")))
    store.put_uow(replace(first, id="/".join((*HOUR, "1", "2")), fence=2, started_at=None))
    store.put_job(replace(lamp.job(*HOUR), run=2))
    assert found(lamp) == [(*HOUR, TWICE)]


@pytest.mark.parametrize(
    ("fields", "is_found"),
    [({}, True), ({"inputs_turn": 5}, False), ({"inputs_turn": 3}, True), ({"again_at": NOW}, False), ({"generation": 2}, False)],
)
def test_a_rerun_that_an_input_asked_for_is_none(fields: dict[str, Any], is_found: bool) -> None:
    runs = [uow(f"p/2013010100/1/{run}", state=UowState.PROCESSED, turn=turn) for run, turn in ((1, 3), (2, 5))]
    assert bool(ran_twice(replace(job(run=2), **fields), runs, is_live=False)) is is_found
    assert ran_twice(replace(job(run=2), **fields), runs, is_live=True) is None


@pytest.mark.parametrize(("begins_s", "session", "is_found"), [(60, "a", False), (59, "a", True), (57, "b", False), (50, "b", True)])
def test_runs_that_overlap_are_found(begins_s: int, session: str, is_found: bool) -> None:
    one = uow("p/2013010100/1/1", session="a", started_at=NOW, finished_at=NOW + 60 * SECOND)
    begin = NOW + begins_s * SECOND
    other = uow("p/2013010100/2/1", session=session, started_at=begin, finished_at=begin + 60 * SECOND)
    assert [each.kind for each in overlaps([other, one])] == ([OVERLAP] if is_found else [])


def test_a_worker_that_stood_still_before_its_claim_is_no_overlap() -> None:
    one = uow("p/2013010100/1/1", session="a", started_at=NOW, finished_at=NOW + 60 * SECOND)
    end = NOW + 120 * SECOND
    other = uow("p/2013010100/1/2", session="b", opened_at=NOW + 61 * SECOND, started_at=NOW - 5 * SECOND, finished_at=end)
    assert list(overlaps([one, other])) == []


def test_a_job_that_finished_without_a_later_input_is_out_of_order(lamp: Lamp, store: Bare) -> None:
    day = lamp.job(*DAY)
    assert out_of_order(day) is None
    store.put_job(replace(day, inputs_turn=day.opened_turn + 1))
    assert found(lamp) == [(*DAY, ORDER)]


def test_the_inputs_own_records_say_it_too(lamp: Lamp, store: Bare) -> None:
    day = lamp.job(*DAY)
    assert day.opened_turn >= lamp.job(*HOUR).turn
    store.put_job(replace(day, opened_turn=lamp.job(*HOUR).turn - 1, inputs_turn=0))
    assert found(lamp) == [(*DAY, ORDER)]


# -- the count of every minute


def count(lamp: Lamp) -> Any:
    made = AuditCount(lamp.store, lamp.context)
    while made.turn(lamp.clock.now()) < EVERY_S:
        pass
    return counted({FACT: made.fact})


def test_the_count_is_zero_where_all_is_well(lamp: Lamp) -> None:
    seen = count(lamp)
    assert (seen.finished, sum(seen.counts.values()), seen.first) == (25, 0, ())


def test_a_job_that_ran_in_two_generations_is_counted_as_two_and_found_in_none(lamp: Lamp) -> None:
    lamp.give("reprocess", *HOUR)
    lamp.run()
    seen = count(lamp)
    assert (seen.finished, sum(seen.counts.values())) == (27, 0)


def test_the_count_finds_what_is_wrong_with_what_finished_lately(lamp: Lamp, store: Bare) -> None:
    store.lose_job(*HOUR)
    assert (count(lamp).counts[MISSING], count(lamp).first) == (1, ("flights_hourly 2013010105: missing",))
    lamp.clock.sleep(25 * 3600)
    assert (count(lamp).finished, count(lamp).counts[MISSING]) == (0, 0)


def test_the_count_goes_on_where_it_stood(store: Bare) -> None:
    lamp = Lamp(january(("hourly",)), store=store)
    made = AuditCount(store, lamp.context)
    lamp.turn()
    lamp.work(*hours(4))
    made.turn(lamp.clock.now())
    lamp.work(*hours(24)[4:])
    made.turn(lamp.clock.now())
    seen = counted({FACT: made.fact})
    assert seen is not None
    assert seen.finished == 24


def test_the_count_begins_at_the_turns_of_the_last_day(lamp: Lamp) -> None:
    before = lamp.engine.head
    lamp.clock.sleep(30 * 3600)
    lamp.give("reprocess", *HOUR)
    lamp.run()
    made = AuditCount(lamp.store, lamp.context)
    assert made._first_turn(lamp.clock.now() - timedelta(hours=24)) == before
    assert count(lamp).finished == 2


def counter(lamp: Lamp) -> AuditCount:
    """Return a counter that has counted all."""
    made = AuditCount(lamp.store, lamp.context)
    while made.turn(lamp.clock.now()) < EVERY_S:
        pass
    return made


def test_what_the_count_remembers_does_not_grow_with_the_turns() -> None:
    lamp = Lamp(january(("hourly",), days=7))
    lamp.turn()
    made = counter(lamp)
    for _ in range(30):
        lamp.work(*lamp.requested()[:1])
        lamp.turn(2)
        made.turn(lamp.clock.now())
    assert lamp.engine.head > 30
    assert list(made._finished.values()) == [30]


def test_one_look_takes_many_small_turns() -> None:
    lamp = Lamp(january(("hourly",), days=7))
    for _ in range(60):
        lamp.work(*lamp.requested()[:1])
    made = AuditCount(lamp.store, lamp.context)
    looks = 1
    while made.turn(lamp.clock.now()) < EVERY_S:
        looks += 1
    assert lamp.engine.head > 60
    assert looks < 5


def test_a_count_that_stood_still_for_longer_than_its_time_begins_at_the_last_day(lamp: Lamp) -> None:
    made = counter(lamp)
    before = lamp.engine.head
    lamp.clock.sleep(30 * 3600)
    lamp.give("reprocess", *HOUR)
    lamp.clock.sleep(30 * 3600)
    lamp.run()
    assert made._begin(lamp.engine.head, lamp.clock.now() - WINDOW) > before
    assert count(lamp).finished == 2


def test_a_count_over_a_store_that_was_restored_begins_anew(lamp: Lamp) -> None:
    made = counter(lamp)
    made._cursor = lamp.engine.head + 100
    made.turn(lamp.clock.now())
    seen = counted({FACT: made.fact})
    assert seen is not None
    assert seen.finished == 25


# -- the command


@pytest.fixture
def terminal(lamp: Lamp, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(LampRoof(lamp), capsys)


def test_the_command_says_that_all_is_well(terminal: Terminal) -> None:
    assert terminal.run("audit") == 0
    assert terminal.out == "25 periods, 25 finished: nothing to find fault with\n"


def test_the_command_lists_what_is_wrong_with_what_to_press(store: Bare, terminal: Terminal) -> None:
    store.lose_job(*HOUR)
    assert terminal.run("audit") == 1
    assert terminal.out.startswith("! flights_hourly 2013010105 missing: it has no record\n")
    assert "launch.py job reprocess flights_hourly 2013010105 --why" in terminal.out
    assert terminal.out.endswith("25 periods, 25 finished: 1 missing\n")
    assert terminal.json("audit", "flights_hourly")["findings"][0]["kind"] == "missing"


@pytest.mark.parametrize(
    ("given", "periods"),
    [
        (["flights_hourly", "--from", "2013010105"], 19),
        (["flights_hourly", "--from", "2013010105", "--to", "2013010106"], 1),
        (["--to", "2013010106"], 7),
        (["--from", "2013010101"], 23),
        (["flights_daily"], 1),
    ],
)
def test_the_command_looks_at_the_range_that_was_named(terminal: Terminal, given: list[str], periods: int) -> None:
    assert terminal.json("audit", *given)["periods"] == periods


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["flights_hurly"], "did you mean"),
        (["flights_hourly", "--from", "20130101"], "YYYYMMDDHH"),
        (["--from", "2013"], "hours"),
        (["--from", "2013010105", "--to", "2013010105"], "does not come after"),
    ],
)
def test_the_command_refuses_what_it_can_not_read(terminal: Terminal, given: list[str], says: str) -> None:
    assert terminal.run("audit", *given) == 2
    assert says in terminal.err


def test_what_the_command_says_to_press_mends_it(lamp: Lamp, store: Bare, terminal: Terminal) -> None:
    store.lose_job(*HOUR)
    terminal.run("audit")
    assert terminal.run("job", "reprocess", *HOUR, "--why", "its record was gone") == 0
    lamp.run()
    assert terminal.run("audit") == 0


def test_status_shows_the_audit(lamp: Lamp, store: Bare, terminal: Terminal) -> None:
    made = AuditCount(store, lamp.context)
    while made.turn(lamp.clock.now()) < EVERY_S:
        pass
    store.beat("scheduler-1", {FACT: made.fact})
    assert terminal.run("status") == 0
    assert "nothing found among 25 periods that finished in the last 24 hours" in terminal.out
    store.lose_job(*HOUR)
    made = AuditCount(store, lamp.context)
    while made.turn(lamp.clock.now()) < EVERY_S:
        pass
    store.beat("scheduler-1", {FACT: made.fact})
    assert terminal.run("status") == 0
    assert "! audit: 1 missing among what finished in the last 24 hours, first flights_hourly 2013010105: missing" in terminal.out
