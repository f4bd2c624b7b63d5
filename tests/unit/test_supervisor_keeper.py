"""Does the keeper keep its processes alive, close the sessions of the dead, and end all of it in order?"""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

import pytest

from db.memory import MemoryStore
from db.model import MACHINE, Session
from mq.memory import MemoryBroker
from supervisor import policy
from supervisor.calls import Calls
from supervisor.crew import Member
from supervisor.keeper import Keeper
from supervisor.service import SupervisorService
from system.clock import ManualClock
from system.context import REPORT_QUEUE
from system.errors import BrokerError, Unavailable
from system.processes import Identity, machine
from tests.support.builders import session
from tests.support.pretended_crew import PretendedCrew

T = TypeVar("T")

NAMES = ("scheduler", "worker.1", "worker.2")


class FlakyStore(MemoryStore):
    """A memory store that is away while `is_away`."""

    is_away = False

    def sessions(self) -> list[Session]:
        self._look()
        return super().sessions()

    def close_sessions(self, ids: Sequence[str]) -> None:
        self._look()
        super().close_sessions(ids)

    def _look(self) -> None:
        if self.is_away:
            raise Unavailable("the store is on holiday")


class Box:
    """A keeper on `box-1` with everything around it."""

    def __init__(self, *survivors: Member) -> None:
        self.store, self.broker, self.crew = FlakyStore(), MemoryBroker(), PretendedCrew(survivors)
        self.store.prepare()
        self.broker.prepare()
        self.broker.declare([REPORT_QUEUE])
        self.keeper = Keeper(NAMES, self.crew, self.store, self.broker, "box-1", grace_s=10)
        self.now = 0.0

    def turn(self, after_s: float = 0.0) -> float:
        self.now += after_s
        return self.keeper.turn(self.now)

    def has_session(self, member: Member, session_id: str = "s-1", box: str = "box-1", on: str = "") -> None:
        facts = {MACHINE: on} if on else {}
        self.store.open_session(session(session_id, pid=member.identity.pid, created_s=member.identity.created_s, box=box, facts=facts))

    def open_sessions(self) -> list[str]:
        return sorted(s.id for s in self.store.sessions())

    def hints(self) -> list[str]:
        return [d.body for d in self.broker.consumer([REPORT_QUEUE]).take(10)]

    def trouble(self, name: str) -> str:
        return next(v.trouble for v in self.keeper.views() if v.name == name)


@pytest.fixture
def box() -> Box:
    made = Box()
    made.turn()
    return made


def survivor(name: str, *, is_current: bool = True) -> Member:
    return Member(name, Identity(7, 7.0), "old-mark", is_current)


def test_the_first_turn_starts_everything_scheduler_first(box: Box) -> None:
    assert box.crew.started == list(NAMES)


def test_a_dead_process_starts_again_after_its_wait(box: Box) -> None:
    box.crew.die("worker.1")
    assert box.turn(1) == pytest.approx(0.2)
    assert len(box.crew.started) == 3
    box.turn(0.2)
    assert box.crew.started[3:] == ["worker.1"]


def test_a_death_closes_its_session_at_once_and_says_so(box: Box) -> None:
    box.has_session(box.crew.living["worker.1"])
    box.crew.die("worker.1", -9)
    box.turn(1)
    assert box.open_sessions() == []
    assert box.hints() == ["session:s-1"]


def test_a_dead_schedulers_session_is_closed_as_well(box: Box) -> None:
    box.has_session(box.crew.living["scheduler"])
    box.crew.die("scheduler")
    box.turn(1)
    assert box.hints() == ["session:s-1"]


def test_sessions_of_the_living_and_of_other_boxes_stay(box: Box) -> None:
    box.has_session(box.crew.living["worker.2"], "living")
    box.has_session(box.crew.living["worker.1"], "elsewhere", box="box-2")
    box.crew.die("worker.1")
    box.turn(1)
    assert box.open_sessions() == ["elsewhere", "living"]


def test_a_session_on_another_machine_of_this_name_is_left_to_its_lease(box: Box) -> None:
    box.has_session(box.crew.living["worker.1"], "there", on="another one")
    box.has_session(box.crew.living["worker.1"], "here", on=machine())
    box.crew.die("worker.1")
    box.turn(1)
    assert box.open_sessions() == ["there"]


def test_a_session_is_closed_only_when_nothing_of_its_process_is_left(box: Box) -> None:
    box.has_session(box.crew.living["worker.1"])
    box.crew.die("worker.1")
    box.crew.leftovers = 3
    assert box.turn(1) < 0.05
    assert box.open_sessions() == ["s-1"]
    box.turn(0.03)
    box.turn(0.03)
    assert box.open_sessions() == []


def test_nothing_starts_while_the_store_is_away(box: Box) -> None:
    box.store.is_away = True
    box.crew.die("worker.1")
    box.turn(1)
    box.turn(5)
    assert len(box.crew.started) == 3
    assert box.trouble("store") == "the store is away; nothing is started until it is back, who runs is kept: the store is on holiday"


def test_when_the_store_is_back_the_dead_are_buried_and_replaced(box: Box) -> None:
    box.has_session(box.crew.living["worker.1"])
    box.store.is_away = True
    box.crew.die("worker.1")
    box.turn(1)
    box.store.is_away = False
    box.turn(1)
    assert box.open_sessions() == []
    assert box.crew.started[3:] == ["worker.1"]
    assert box.trouble("worker.1") == ""


def test_an_undeliverable_hint_does_no_harm(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_messages: object) -> None:
        raise BrokerError("no queue")

    monkeypatch.setattr(box.broker, "publish", refuse)
    box.has_session(box.crew.living["worker.1"])
    box.crew.die("worker.1")
    box.turn(1)
    assert box.open_sessions() == []


def test_at_the_start_sessions_of_dead_processes_are_closed() -> None:
    box = Box()
    box.store.open_session(session("before", pid=3, created_s=3.0))
    box.turn()
    assert box.hints() == ["session:before"]


def test_sessions_of_processes_that_nobody_here_started_are_looked_at_now_and_then(box: Box) -> None:
    by_hand = Identity(5, 5.0)
    box.crew.let_live(by_hand)
    box.store.open_session(session("by-hand", pid=5, created_s=5.0))
    box.turn(31)
    assert box.open_sessions() == ["by-hand"]
    box.crew._strangers.clear()
    box.turn(31)
    assert box.open_sessions() == []


def test_a_survivor_is_adopted_instead_of_doubled() -> None:
    box = Box(survivor("worker.1"))
    box.turn()
    assert box.crew.started == ["scheduler", "worker.2"]


def test_an_adopted_process_that_dies_is_replaced_too() -> None:
    box = Box(survivor("worker.1"))
    box.turn()
    box.crew.die("worker.1", None)
    box.turn(1)
    box.turn(1)
    assert box.crew.started[2:] == ["worker.1"]


def test_a_survivor_with_other_settings_is_replaced() -> None:
    box = Box(survivor("worker.1", is_current=False))
    box.turn()
    assert box.crew.sent == [("worker.1", signal.SIGTERM)]
    box.turn(0.1)
    assert "worker.1" in box.crew.started


def test_a_survivor_that_is_not_wanted_any_more_is_ended_and_not_replaced() -> None:
    box = Box(survivor("worker.9"))
    box.turn()
    box.turn(1)
    assert box.crew.sent == [("worker.9", signal.SIGTERM)]
    assert box.crew.started == list(NAMES)


def test_an_unwanted_survivor_that_does_not_listen_is_killed_after_the_grace_time() -> None:
    box = Box(survivor("worker.9"))
    box.crew.obeys = False
    box.turn()
    box.turn(9)
    assert box.crew.sent == [("worker.9", signal.SIGTERM)]
    box.turn(1)
    assert box.crew.sent[1:] == [("worker.9", signal.SIGKILL)]


def test_one_that_dies_of_no_kill_costs_a_turn_a_second_and_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    box = Box(survivor("worker.9"))
    box.crew.obeys = box.crew.kills = False
    box.turn()
    rests = [box.turn(10), *(box.turn(1) for _ in range(3)), box.turn(0.5)]
    assert rests == pytest.approx([1.0, 1.0, 1.0, 1.0, 0.5])
    assert box.crew.sent[1:] == [("worker.9", signal.SIGKILL)] * 4
    assert [r.getMessage() for r in caplog.records if "did not end in time" in r.getMessage()] == [
        "killed worker.9, pid 7: it did not end in time"
    ]


def test_who_was_asked_and_is_wanted_again_goes_on_as_if_never_asked(box: Box) -> None:
    box.crew.obeys = False
    box.keeper.want(["scheduler", "worker.1"])
    box.turn()
    box.keeper.want(NAMES)
    assert box.turn(1) > 5
    assert box.turn(10) > 5
    box.keeper.want(["scheduler", "worker.1"])
    box.turn(100)
    assert box.crew.sent == [("worker.2", signal.SIGTERM)] * 2


def test_who_ends_soon_after_it_is_wanted_again_ended_as_asked(box: Box) -> None:
    box.crew.obeys = False
    box.keeper.want(["scheduler", "worker.1"])
    box.turn()
    box.keeper.want(NAMES)
    box.turn(1)
    box.crew.die("worker.2", 0)
    box.turn(1)
    assert box.crew.started[3:] == ["worker.2"]


def test_who_was_asked_keeps_nobody_awake_while_the_store_is_away(box: Box) -> None:
    box.crew.obeys = False
    box.keeper.want(["scheduler", "worker.1"])
    box.turn()
    box.turn(1)
    box.store.is_away = True
    box.turn(32)
    assert min(box.turn(1) for _ in range(5)) >= 0.25
    box.store.is_away = False
    box.turn(1)
    box.turn(1)
    assert box.crew.sent == [("worker.2", signal.SIGTERM), ("worker.2", signal.SIGKILL)]


def test_before_it_is_known_what_is_wanted_nothing_is_started_and_nothing_ended() -> None:
    box = Box(survivor("worker.1"))
    box.keeper = Keeper(None, box.crew, box.store, box.broker, "box-1", grace_s=10)
    for _ in range(3):
        box.turn(60)
    assert (box.crew.started, box.crew.sent) == ([], [])
    box.keeper.want(["scheduler", "worker.1"])
    box.turn()
    assert (box.crew.started, box.crew.sent) == (["scheduler"], [])


def test_while_the_store_is_away_nobody_who_runs_is_ended() -> None:
    box = Box(survivor("worker.1", is_current=False))
    box.store.is_away = True
    for _ in range(5):
        box.turn(60)
    assert box.crew.sent == []
    box.store.is_away = False
    box.turn(60)
    assert box.crew.sent == [("worker.1", signal.SIGTERM)]


def test_what_is_wanted_no_more_is_ended_and_what_is_new_is_started(box: Box) -> None:
    box.keeper.want(["scheduler", "worker.1", "poller"])
    box.turn()
    box.turn()
    assert (box.crew.sent, box.crew.started[3:]) == ([("worker.2", signal.SIGTERM)], ["poller"])


def test_who_is_forgiven_starts_at_once(box: Box) -> None:
    for _ in range(6):
        box.crew.die("worker.1", 1)
        box.turn(0.1)
        box.turn(60)
    box.crew.die("worker.1", 1)
    box.turn(0.1)
    assert "worker.1" not in box.crew.living
    box.keeper.want(NAMES, ["worker.1"])
    box.turn()
    assert "worker.1" in box.crew.living


def crash_all(box: Box, seconds: int) -> int:
    """Let so many seconds pass in which whoever runs dies within one; returns how many were started."""
    before = len(box.crew.started)
    for _ in range(seconds):
        box.turn(1)
        for name in list(box.crew.living):
            box.crew.die(name, 1)
    return len(box.crew.started) - before


def test_fault_23_many_crash_loops_are_tried_one_after_the_other(box: Box) -> None:
    assert crash_all(box, 60) >= policy.LOOP_AFTER * (len(NAMES) - 1)
    crash_all(box, 400)
    assert crash_all(box, 90) <= 90 / policy.BROKEN_PACE_S + 1


def test_a_stop_ends_the_workers_first_and_the_scheduler_after(box: Box) -> None:
    box.crew.obeys = False
    box.keeper.stop()
    box.turn(1)
    assert box.crew.sent == [("worker.1", signal.SIGTERM), ("worker.2", signal.SIGTERM)]
    box.crew.die("worker.1", 0)
    box.crew.die("worker.2", 0)
    box.turn(1)
    assert box.crew.sent[2:] == [("scheduler", signal.SIGTERM)]


def test_a_stop_kills_who_does_not_end_in_time_and_closes_the_session(box: Box) -> None:
    box.has_session(box.crew.living["worker.1"])
    box.crew.obeys = False
    box.keeper.stop()
    for after_s in (0, 10, 0.1, 10, 0.1):
        assert not box.keeper.is_stopped
        box.turn(after_s)
    assert box.keeper.is_stopped
    assert ("worker.1", signal.SIGKILL) in box.crew.sent
    assert box.open_sessions() == []


def test_a_stop_does_not_wait_for_a_store_that_is_away(box: Box) -> None:
    box.store.is_away = True
    box.keeper.stop()
    for _ in range(3):
        box.turn(0.1)
    assert box.keeper.is_stopped


def test_a_kill_ends_all_at_once(box: Box) -> None:
    box.keeper.kill()
    box.turn(0.1)
    assert [s for _, s in box.crew.sent] == [signal.SIGKILL] * 3


def test_nothing_starts_again_once_a_stop_was_asked_for(box: Box) -> None:
    box.keeper.stop()
    for _ in range(5):
        box.turn(1)
    assert len(box.crew.started) == 3


def test_fault_23_a_crash_loop_is_shown(box: Box) -> None:
    for _ in range(5):
        box.crew.die("worker.1", 1)
        box.turn(0.1)
        box.turn(60)
    view = next(v for v in box.keeper.views() if v.name == "worker.1")
    assert view.is_crash_loop
    assert view.trouble == "worker.1 died 5 times soon after its start (last: exit code 1)"


def test_a_process_that_can_not_be_started_counts_as_a_death(box: Box) -> None:
    box.crew.die("worker.1")
    box.crew.refuses = True
    box.turn(1)
    box.turn(0.2)
    assert box.turn(0) == pytest.approx(0.4)


def test_a_quiet_box_asks_for_no_turn_before_its_second_look(box: Box) -> None:
    assert box.turn(1) > 5


def test_the_service_runs_until_it_is_stopped_and_lets_go() -> None:
    box = Box()
    service = SupervisorService(box.keeper, box.crew, ManualClock())
    service.stop()
    service.run()
    assert box.crew.log[-1] == "close"
    assert box.crew.started == []


def test_an_unforeseen_error_in_a_turn_does_not_end_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    box, errors = Box(), [ValueError("a bug")]
    service, sound = SupervisorService(box.keeper, box.crew, ManualClock()), box.crew.deaths
    monkeypatch.setattr(box.crew, "deaths", lambda: (_ for _ in ()).throw(errors.pop()) if errors else sound())
    service.stop()
    service.run()
    assert box.keeper.is_stopped


class Later(Calls):
    """Calls that are answered when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], object]] = []

    def submit(self, fn: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()
        self.waiting.append(lambda: future.set_result(fn()))
        return future

    def close(self) -> None:
        self.waiting.clear()

    def answer(self) -> None:
        """Let every call end."""
        for call in self.waiting:
            call()
        self.waiting = []


def hung() -> tuple[Box, Later]:
    """Return a box whose store does not answer since all of it runs, with a worker that has just died."""
    box, later = Box(), Later()
    box.keeper = Keeper(NAMES, box.crew, box.store, box.broker, "box-1", grace_s=10, calls=later)
    for _ in range(3):
        box.turn()
        later.answer()
    box.crew.die("worker.1")
    return box, later


def test_a_store_that_does_not_answer_is_away_and_holds_up_no_round() -> None:
    box, later = hung()
    for _ in range(4):
        box.turn(1)
    assert (len(box.crew.started), box.trouble("store").endswith("who runs is kept: it does not answer")) == (3, True)
    later.answer()
    box.turn(1)
    box.turn(1)
    later.answer()
    box.turn(1)
    assert box.crew.started[3:] == ["worker.1"]
    assert "store" not in [view.name for view in box.keeper.views()]


def test_a_stop_does_not_wait_for_a_store_that_does_not_answer() -> None:
    box, _ = hung()
    box.keeper.stop()
    for _ in range(4):
        box.turn(0.5)
    assert box.keeper.is_stopped
