"""Does the store hear of a box, and does a box do what operators write there?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from db.memory import MemoryStore
from db.model import MACHINE, BeatAnswer, Session
from db.model_boxes import BoxReport, BoxWish
from mq.memory import MemoryBroker
from supervisor.attendance import Attendance, Meter, Moved
from supervisor.keeper import Keeper
from supervisor.places import Place
from system.clock import ManualClock
from system.context import REPORT_QUEUE
from system.errors import Unavailable
from system.processes import Identity, machine, own_identity
from system.usage import Usage
from tests.support.pretended_crew import PretendedCrew

PLACES = (Place("scheduler"), Place("worker", 2), Place("poller"))


class AwayStore(MemoryStore):
    """A memory store whose every verb that a supervisor needs fails while `is_away`."""

    is_away = False

    def sessions(self) -> list[Session]:
        self._look()
        return super().sessions()

    def box_wishes(self) -> list[BoxWish]:
        self._look()
        return super().box_wishes()

    def beat(self, session_id: str, facts: dict[str, str]) -> BeatAnswer:
        self._look()
        return super().beat(session_id, facts)

    def _look(self) -> None:
        if self.is_away:
            raise Unavailable("the store is on holiday")


class Box:
    """A keeper and its attendance on `box-1`, with nothing real around them."""

    def __init__(self) -> None:
        self.store, broker, self.crew, self.clock = AwayStore(), MemoryBroker(), PretendedCrew(), ManualClock()
        broker.declare([REPORT_QUEUE])
        self.crew.let_live(own_identity())
        self.keeper = Keeper(None, self.crew, self.store, broker, "box-1", grace_s=10)
        self.moves: list[Moved] = []
        self.attendance = Attendance(
            self.store, self.clock, self.keeper, PLACES, "box-1", beat_s=2, wake=self.crew.wake,
            moved=lambda: self.moves.pop() if self.moves else None,
        )  # fmt: skip

    def go_on(self, seconds: float = 2.0) -> None:
        """Let a beat and the keeper's round come after so much time."""
        self.clock.sleep(seconds)
        self.attendance.turn()
        self.keeper.turn(self.clock.monotonic())

    def wish(self, process: str, **fields: object) -> None:
        self.store.put_box_wishes([replace(BoxWish("box-1", process, who="ann", given_at=self.clock.now()), **fields)])  # type: ignore[arg-type]

    def running(self) -> list[str]:
        return sorted(self.crew.living)

    def report(self, process: str) -> BoxReport:
        return next(r for r in self.store.box_reports() if (r.box, r.process) == ("box-1", process))


@pytest.fixture
def box() -> Box:
    made = Box()
    made.go_on()
    return made


def test_what_belongs_on_a_box_is_started_once_the_wishes_are_known() -> None:
    box = Box()
    box.keeper.turn(0)
    assert box.running() == []
    box.go_on()
    assert box.running() == ["poller", "scheduler", "worker.1", "worker.2"]


def test_what_is_switched_off_is_ended_and_what_is_on_again_is_started(box: Box) -> None:
    box.wish("worker", is_on=False)
    box.go_on()
    box.go_on()
    assert box.running() == ["poller", "scheduler"]
    box.wish("worker")
    box.go_on()
    assert box.running() == ["poller", "scheduler", "worker.1", "worker.2"]


def test_more_and_fewer_instances_leave_the_others_alone(box: Box) -> None:
    first = box.crew.living["worker.1"]
    box.wish("worker", instances=3)
    box.go_on()
    assert "worker.3" in box.running()
    box.wish("worker", instances=1)
    box.go_on()
    box.go_on()
    assert [name for name in box.running() if name.startswith("worker")] == ["worker.1"]
    assert box.crew.living["worker.1"] == first


def test_wishes_for_another_box_are_not_for_this_one(box: Box) -> None:
    box.store.put_box_wishes([BoxWish("box-2", "worker", is_on=False)])
    box.go_on()
    assert "worker.1" in box.running()


def test_a_switch_forgets_the_deaths_before(box: Box) -> None:
    for _ in range(6):
        box.crew.die("poller")
        box.go_on(0.01)
        box.go_on(40)
    box.crew.die("poller")
    box.go_on(0.01)
    assert "poller" not in box.running()
    box.wish("poller")
    box.go_on(0.01)
    assert "poller" in box.running()


def test_while_the_store_is_away_all_goes_on_and_the_last_wishes_hold(box: Box) -> None:
    box.wish("worker", is_on=False)
    box.store.is_away = True
    for _ in range(300):
        box.go_on()
    assert box.running() == ["poller", "scheduler", "worker.1", "worker.2"]
    assert box.crew.sent == []


def test_a_box_whose_store_was_away_for_ten_minutes_comes_back_by_itself(box: Box) -> None:
    box.store.is_away = True
    box.crew.die("worker.1")
    for _ in range(300):
        box.go_on()
    assert box.running() == ["poller", "scheduler", "worker.2"]
    box.store.is_away = False
    box.go_on()
    box.go_on()
    assert box.running() == ["poller", "scheduler", "worker.1", "worker.2"]
    assert box.report("worker").told_at == box.clock.now()


def test_what_says_nothing_new_is_told_every_ten_seconds_only_and_what_is_new_at_once(box: Box) -> None:
    box.go_on()
    first = box.report("worker")
    for _ in range(3):
        box.go_on()
    assert box.report("worker") == first
    box.crew.die("worker.1")
    box.go_on()  # the keeper's round finds it after the beat
    box.go_on()
    assert box.report("worker").told_at == box.clock.now()
    box.go_on(10)
    assert box.report("worker").told_at == box.clock.now()


def test_a_box_that_was_forgotten_tells_of_itself_again(box: Box) -> None:
    box.store.drop_box("box-1", ["worker"])
    for _ in range(5):
        box.go_on()
    assert box.report("worker").instances == 2


def test_a_supervisor_has_a_session_that_beats(box: Box) -> None:
    before = next(s for s in box.store.sessions() if s.kind == "supervisor")
    box.go_on()
    after = next(s for s in box.store.sessions() if s.kind == "supervisor")
    assert (after.box, after.id, after.beat) == ("box-1", before.id, before.beat + 1)
    assert float(after.facts["cpu"]) >= 0
    assert before.facts[MACHINE] == after.facts[MACHINE] == machine()


def test_a_session_that_was_closed_by_others_is_followed_by_a_new_one(box: Box) -> None:
    (first,) = [s.id for s in box.store.sessions()]
    box.store.close_sessions([first])
    box.go_on()
    box.go_on()
    (second,) = [s.id for s in box.store.sessions()]
    assert second != first


def test_a_report_names_each_instance_with_its_process(box: Box) -> None:
    box.go_on()
    report = box.report("worker")
    members = box.crew.living
    assert report.instances == 2
    assert [(c.name, c.pid, c.created_s) for c in report.children] == [
        (name, members[name].identity.pid, members[name].identity.created_s) for name in ("worker.1", "worker.2")
    ]


def test_a_crash_loop_is_told_to_the_store(box: Box) -> None:
    for _ in range(5):
        box.crew.die("poller", 3)
        box.go_on(0.01)
        box.go_on(40)
    box.go_on()
    (child,) = box.report("poller").children
    assert (child.is_crash_loop, child.deaths) == (True, 5)
    assert child.trouble == "poller died 5 times soon after its start (last: exit code 3)"


def test_a_clean_end_reports_that_nothing_runs_and_closes_the_session(box: Box) -> None:
    box.keeper.stop()
    for _ in range(4):
        box.keeper.turn(box.clock.monotonic())
    box.attendance.leave()
    assert box.store.sessions() == []
    assert [c.pid for r in box.store.box_reports() for c in r.children if c.pid] == []


def test_reports_of_what_belongs_here_no_more_are_dropped_unless_an_operator_spoke_of_it() -> None:
    box, at = Box(), datetime(2024, 1, 1, tzinfo=UTC)
    box.store.put_box_reports([BoxReport("box-1", "gone", 1, at), BoxReport("box-1", "parked", 1, at), BoxReport("box-2", "gone", 1, at)])
    box.store.put_box_wishes([BoxWish("box-1", "parked", is_on=False)])
    box.go_on()
    assert [(r.box, r.process) for r in box.store.box_reports() if r.told_at == at] == [("box-1", "parked"), ("box-2", "gone")]
    assert len(box.store.box_wishes()) == 1


def test_what_is_off_is_said_with_who_and_why(box: Box) -> None:
    box.wish("worker", is_on=False, why="new disk")
    box.go_on()
    assert [view.trouble for view in box.attendance.switched_off()] == [
        "worker is off on box-1 since 2020-01-01 00:00Z, by ann: new disk",
    ]


def test_a_changed_context_starts_what_is_new_and_ends_what_belongs_here_no_more(box: Box) -> None:
    box.moves.append(Moved((*PLACES[:2], Place("feeder")), frozenset()))
    box.go_on()
    box.go_on()
    assert box.running() == ["feeder", "scheduler", "worker.1", "worker.2"]
    assert {r.process for r in box.store.box_reports()} == {"scheduler", "worker", "feeder"}


def test_a_daemon_whose_entry_has_changed_is_started_anew_and_the_others_go_on(box: Box) -> None:
    before = dict(box.crew.living)
    box.moves.append(Moved(PLACES, frozenset({"poller"})))
    for _ in range(3):
        box.go_on()
    after = box.crew.living
    assert after.keys() == before.keys()
    assert [name for name in after if after[name] != before[name]] == ["poller"]


def test_a_move_is_not_forgotten_while_the_store_is_away(box: Box) -> None:
    box.moves.append(Moved((*PLACES, Place("feeder")), frozenset()))
    box.store.is_away = True
    box.go_on()
    box.store.is_away = False
    box.go_on()
    box.go_on()
    assert "feeder" in box.running()


def test_a_meter_makes_shares_of_what_was_used_in_all() -> None:
    meter, who, fresh = Meter(), Identity(7, 1.0), Identity(8, 1.0)
    assert meter.read({who: Usage(10.0, 100)}, 50.0)[who].cpu == 0
    found = meter.read({who: Usage(11.0, 300), fresh: Usage(5.0, 1)}, 54.0)
    assert (found[who].cpu, found[who].memory_bytes, found[fresh].cpu) == (0.25, 300, 0)
    assert meter.read({who: Usage(10.5, 300)}, 55.0)[who].cpu == 0
