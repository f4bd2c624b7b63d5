"""Does what is old go, does what is needed stay, and does the timetable stay as it was? By a clock that is moved by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from db.entries import Entry, Run
from db.keeping import Floor
from db.model import Event, OutputPiece
from scheduler.commands import ARCHIVED
from scheduler.keeper import Keeper, KeeperSettings
from system.errors import Unavailable
from system.lifecycle import JobState, UowEvent, UowState
from tests.support import builders
from tests.support.kept import DAYS, Shelf, after_days, finished_day, keeper_of
from tests.support.lamp import Lamp, hours, january

DAY = "flights_daily", "2013010100"
HOUR = "flights_hourly", "2013010105"
FOR_EVER = KeeperSettings(uows_days=0, jobs_days=0, turns_days=0, output_days=0)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


# -- what goes, and when


def test_nothing_that_is_young_goes(shelf: Shelf) -> None:
    assert after_days(finished_day(), 4.9, shelf) == 0
    assert shelf.records == {}


def test_units_of_work_go_after_their_days_and_jobs_after_theirs(shelf: Shelf) -> None:
    lamp = finished_day()
    after_days(lamp, 11, shelf)
    assert (lamp.store.sizes()["units of work"], lamp.store.sizes()["jobs"]) == (0, 25)
    after_days(lamp, 10, shelf)
    assert lamp.store.sizes()["jobs"] == 0
    assert (len(shelf.ids("uow")), len(shelf.ids("job")), shelf.months) == (25, 25, {"2020-01"})


def test_kept_for_ever_is_kept_for_ever(shelf: Shelf) -> None:
    assert after_days(finished_day(), 10_000, shelf, FOR_EVER) == 0


def test_turns_go_but_for_the_last_one_that_is_projected(shelf: Shelf) -> None:
    lamp = finished_day()
    head = lamp.engine.head
    after_days(lamp, 11, shelf)
    assert [turn.number for turn in lamp.store.turns_after(0, 99)] == [head]
    assert [number for (number,) in shelf.ids("turn")] == list(range(1, head))


def test_answered_commands_go_and_open_ones_stay(shelf: Shelf) -> None:
    lamp = finished_day()
    lamp.give("reprocess", *HOUR)
    lamp.run()
    number = lamp.desk.give("reprocess", *HOUR, "ann", "again")
    after_days(lamp, 11, shelf)
    assert (shelf.ids("command"), lamp.store.command(number).why) == ([(1,)], "again")


def test_output_goes_before_its_unit_of_work(shelf: Shelf) -> None:
    lamp = finished_day()
    uow_id = hours(1)[0]
    lamp.store.append_output([OutputPiece(uow_id, fence, 0, "words") for fence in (1, 2)])
    assert after_days(lamp, 6, shelf) == 2
    assert [record["fence"] for record in shelf.records["output"]] == [1, 2]
    assert (lamp.store.output(uow_id), lamp.uow(uow_id).id) == ([], uow_id)


def test_output_of_what_is_gone_goes(shelf: Shelf) -> None:
    lamp = finished_day()
    lamp.store.append_output([OutputPiece("gone/2013010100/1/1", 1, 0, "words")])
    assert after_days(lamp, 1, shelf) == 1


def test_an_archived_job_takes_its_log_along(shelf: Shelf) -> None:
    lamp = finished_day()
    lamp.give("reprocess", *HOUR)
    lamp.run()
    after_days(lamp, 21, shelf)
    (job,) = (record for record in shelf.records["job"] if (record["process"], record["timeperiod"]) == HOUR)
    assert [event["kind"] for event in job["events"]] == ["processed", "reprocess"]


def test_events_of_an_entry_go_by_their_own_age_and_those_of_a_job_stay_with_it(shelf: Shelf) -> None:
    lamp = finished_day()
    lamp.give("reprocess", *HOUR)
    lamp.run()
    entry = Entry("load", "night", 0, lamp.clock.now())
    told = [Event("load", "night", 900, place, lamp.clock.now() + timedelta(days=9 * place), "missed") for place in (0, 1)]
    lamp.store.project(builders.turn(900, entries=[entry], events=told), [])
    after_days(lamp, 11, shelf)
    assert [event.place for event in lamp.store.events("load", "night", 9)] == [1]
    assert [record["process"] for record in shelf.records["event"]] == ["load"]
    assert len(lamp.store.events(*HOUR, 9)) == 2


# -- what is needed stays


def test_nothing_of_a_job_under_way_goes(shelf: Shelf) -> None:
    lamp = Lamp(january(max_attempts=1, on_failure="hold"))
    lamp.turn()
    lamp.work(*hours(1), event=UowEvent.FAILED)
    lamp.give("reprocess", "flights_hourly", "2013010101")
    lamp.run()
    after_days(lamp, 30, shelf)
    assert lamp.uow(hours(1)[0]).failures == 1
    lamp.clock.sleep(1)
    lamp.give("release", "flights_hourly", "2013010100")
    lamp.run()
    assert lamp.state(*DAY) is JobState.PROCESSED


def test_what_a_freerun_entry_has_not_settled_stays(shelf: Shelf) -> None:
    lamp = finished_day()
    runs = (Run("20200101000000", UowState.REQUESTED, builders.NOW),)
    names = [f"report/nightly/{fire}/1" for fire in ("20200101000000", "20191231000000")]
    ended = [builders.uow(name, state=UowState.PROCESSED, finished_at=lamp.clock.now()) for name in names]
    lamp.store.project(builders.turn(1, opened=ended, entries=[Entry("report", "nightly", 1, builders.NOW, runs=runs)]), [])
    after_days(lamp, 30, shelf)
    assert [uow.id for uow in lamp.store.uows(names)] == names[:1]


def test_an_earlier_run_of_a_job_that_runs_again_stays(shelf: Shelf) -> None:
    lamp = finished_day()
    lamp.clock.sleep(timedelta(days=30).total_seconds())
    lamp.give("reprocess", *HOUR)
    keeper_of(lamp, shelf).sweep(lamp.clock.now())
    kept = {uow.id for name in (HOUR, DAY) for uow in lamp.store.uows_of(*name, 9)}
    assert kept == {"flights_hourly/2013010105/1/1", "flights_hourly/2013010105/2/1", "flights_daily/2013010100/1/1"}


def test_what_an_operator_skipped_stays_so_that_a_wider_reprocess_leaves_it_alone(shelf: Shelf) -> None:
    lamp = Lamp(january())
    lamp.turn()
    lamp.give("skip", *HOUR)
    lamp.run()
    after_days(lamp, 30, shelf)
    assert [job.timeperiod for job in lamp.store.jobs("flights_hourly", [HOUR[1], "2013010106"])] == [HOUR[1]]


def test_the_timetable_stays_as_it_was(shelf: Shelf) -> None:
    lamp = finished_day()
    before = lamp.desk.timetable()
    after_days(lamp, 30, shelf)
    lamp.turn()
    assert lamp.another_engine("scheduler-2").turn(lamp.clock.now()) >= 0
    assert finished_day().desk.timetable() == before == lamp.desk.timetable()


# -- a job without a record


def archived(shelf: Shelf) -> Lamp:
    """Return a lamp of whose day nothing is left but the bytes of its chunks."""
    lamp = finished_day()
    lamp.give("reprocess", *HOUR)
    lamp.run()
    after_days(lamp, 30, shelf)
    assert lamp.store.sizes()["jobs"] == lamp.store.sizes()["units of work"] == 0
    return lamp


def test_an_archived_job_is_shown_as_it_ended(shelf: Shelf) -> None:
    view = archived(shelf).desk.job(*HOUR)
    assert (view.state, view.job, view.archived, view.why.text) == ("state_processed", None, True, "it is finished: state_processed")


def test_an_archived_job_starts_anew_above_all_that_was_before(shelf: Shelf) -> None:
    lamp = archived(shelf)
    assert lamp.store.floor("flights_hourly") == Floor(2, 2)
    before = [tuple(i) for i in shelf.ids("uow")]
    lamp.give("reprocess", *HOUR)
    assert lamp.requested() == ["flights_hourly/2013010105/3/1"]
    assert ("flights_hourly/2013010105/3/1",) not in before
    lamp.run()
    assert lamp.job(*HOUR).fence == 3
    assert lamp.state(*DAY) is JobState.PROCESSED


def test_a_plan_over_archived_jobs_is_what_then_happens(shelf: Shelf) -> None:
    lamp = archived(shelf)
    plan = lamp.desk.plan("reprocess", *HOUR)
    assert [step.node[0] for step in plan.steps] == ["flights_hourly", "flights_daily"]
    assert {step.job.reason for step in plan.steps if step.job} == {ARCHIVED}
    lamp.give("reprocess", *HOUR)
    assert lamp.run() == 2


def test_what_can_not_be_done_to_an_archived_job_is_refused(shelf: Shelf) -> None:
    lamp = archived(shelf)
    answers = [lamp.desk.answer(lamp.give(verb, *HOUR)).answer for verb in ("skip", "hold", "release", "cancel")]
    assert answers[0].startswith("it is finished")
    assert answers[3] == "nothing of it is running or requested"
    assert lamp.state(*HOUR) is JobState.PROCESSED


def test_a_reprocess_that_comes_between_reading_and_removing_is_kept(shelf: Shelf) -> None:
    lamp = finished_day()
    lamp.clock.sleep(timedelta(days=30).total_seconds())

    class Late(Shelf):
        def append(self, kind: str, month: str, records: object) -> None:
            if kind == "job" and not self.records:
                self.records["job"] = []
                lamp.give("reprocess", *HOUR)

    keeper_of(lamp, Late()).sweep(lamp.clock.now())
    assert (lamp.job(*HOUR).state, lamp.job(*HOUR).generation) == (JobState.IN_PROGRESS, 2)
    lamp.run()
    assert lamp.state(*HOUR) is lamp.state(*DAY) is JobState.PROCESSED


# -- who fell behind


def test_a_follower_that_fell_behind_what_is_kept_reads_everything_again(shelf: Shelf) -> None:
    lamp = Lamp(january())
    follower = lamp.another_engine("scheduler-2")
    follower.turn(lamp.clock.now())
    lamp.run()
    after_days(lamp, 11, shelf)
    lamp.store.beat("scheduler-1", {})
    follower.turn(lamp.clock.now())
    assert follower.head == lamp.engine.head
    lamp.store.close_sessions(["scheduler-1"])
    follower.turn(lamp.clock.now())
    assert follower.leads
    assert lamp.desk.progress().is_done


def test_a_leader_that_wakes_up_behind_what_is_kept_leads_no_longer(shelf: Shelf) -> None:
    lamp = Lamp(january())
    other = lamp.another_engine("scheduler-2")
    lamp.store.close_sessions(["scheduler-1"])
    asleep, lamp.engine = lamp.engine, other
    lamp.run()
    after_days(lamp, 11, shelf)
    asleep.turn(lamp.clock.now())
    assert not asleep.leads
    assert [turn.session for turn in lamp.store.turns_after(0, 99)] == ["scheduler-2"]


def test_a_desk_that_fell_behind_reads_everything_again(shelf: Shelf) -> None:
    lamp = Lamp(january())
    assert not lamp.desk.progress().is_done
    lamp.run()
    after_days(lamp, 11, shelf)
    assert lamp.desk.progress().is_done
    assert lamp.desk.seconds() == 0.0


# -- pace


def test_a_batch_is_followed_by_a_rest_that_bounds_the_share_of_time(shelf: Shelf) -> None:
    lamp = finished_day()
    lamp.clock.sleep(timedelta(days=30).total_seconds())

    class Slow(Shelf):
        def append(self, kind: str, month: str, records: object) -> None:
            lamp.clock.sleep(0.5)

    keeper = Keeper(lamp.store, Slow(), lamp.clock, replace(DAYS, share=0.1))
    waits = [keeper.turn(lamp.clock.now()) for _ in range(8)]
    assert max(waits) == pytest.approx(4.5)
    assert min(waits) == DAYS.least_wait_s


def test_a_pass_is_followed_by_a_long_rest(shelf: Shelf) -> None:
    lamp = finished_day()
    keeper = keeper_of(lamp, shelf)
    waits = [keeper.turn(lamp.clock.now()) for _ in range(200)]
    assert waits.count(DAYS.pass_s) >= 2


def test_a_store_that_is_away_costs_nothing(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    lamp = finished_day()
    lamp.clock.sleep(timedelta(days=30).total_seconds())
    keeper = keeper_of(lamp, shelf)

    def away(*_: object) -> None:
        raise Unavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(lamp.store, "remove_uows", away)
        with pytest.raises(Unavailable):
            keeper.sweep(lamp.clock.now())
    keeper.sweep(lamp.clock.now())
    assert len(shelf.ids("uow")) == 25
    assert lamp.store.sizes()["units of work"] == 0
