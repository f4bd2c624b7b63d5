"""Does a standby know all that the leader has done, take over once the leader is silent or gone, and never before?"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from db.memory import MemoryStore
from db.model import Chunk
from mq.broker import Message
from scheduler.engine import Engine
from scheduler.policy import SchedulerSettings
from scheduler.standby import LeaderWatch
from system.clock import ManualClock
from system.context import REPORT_QUEUE
from system.errors import Unavailable
from tests.support.builders import session
from tests.support.lamp import NOW, Lamp, hours, january

SILENCE_S = 3.5


class Scene:
    """A leader's session in a store, and somebody who watches it."""

    def __init__(self) -> None:
        self.store = Moody()
        self.store.open_session(session("leader"))
        self.clock = ManualClock()
        self.watch = LeaderWatch(self.store, self.clock, SILENCE_S)

    def lives_after(self, seconds: float, *, head: int = 1) -> bool:
        self.clock.sleep(seconds)
        return self.watch.lives("leader", head)


class Moody(MemoryStore):
    """A store that may be away, and that counts how often the chunks were read."""

    is_away = False
    readings = 0

    def beat_of(self, session_id: str) -> int | None:
        if self.is_away:
            raise Unavailable("gone")
        return super().beat_of(session_id)

    def chunks(self, processes: object) -> Iterator[Chunk]:
        self.readings += 1
        return super().chunks(processes)  # type: ignore[arg-type]


# -- who lives


def test_a_leader_whose_session_is_closed_or_unknown_lives_no_more() -> None:
    scene = Scene()
    assert not scene.watch.lives("nobody", 1)
    scene.store.close_sessions(["leader"])
    assert not scene.watch.lives("leader", 1)


def test_a_leader_that_is_silent_for_long_enough_has_its_session_closed() -> None:
    scene = Scene()
    assert [scene.lives_after(seconds) for seconds in (0.0, 3.0, 0.5)] == [True, True, False]
    assert scene.store.sessions() == []


def test_a_beat_and_a_turn_are_both_signs_of_life() -> None:
    scene = Scene()
    scene.watch.lives("leader", 1)
    scene.store.beat("leader", {})
    assert scene.lives_after(3.0)
    assert scene.lives_after(3.0, head=2)
    assert scene.lives_after(3.0, head=2)
    assert not scene.lives_after(0.5, head=2)


def test_an_age_begins_anew_with_every_reading_that_failed() -> None:
    scene = Scene()
    scene.watch.lives("leader", 1)
    scene.store.is_away = True
    with pytest.raises(Unavailable):
        scene.lives_after(3.0)
    scene.store.is_away = False
    assert scene.lives_after(3.0)
    assert scene.lives_after(3.0)
    assert not scene.lives_after(0.5)


def test_a_reading_that_took_long_counts_from_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    beat_of = scene.store.beat_of

    def slowly(name: str) -> int | None:
        scene.clock.sleep(10)
        return beat_of(name)

    monkeypatch.setattr(scene.store, "beat_of", slowly)
    assert [scene.lives_after(0), scene.lives_after(0)] == [True, True]
    assert not scene.lives_after(SILENCE_S)


def test_a_beat_at_the_last_moment_saves_the_leader(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    scene.watch.lives("leader", 1)
    expire = scene.store.expire_sessions
    monkeypatch.setattr(scene.store, "expire_sessions", lambda beats: (scene.store.beat("leader", {}), expire(beats))[1])
    assert scene.lives_after(SILENCE_S)
    assert scene.lives_after(SILENCE_S - 0.1)


def test_it_tells_how_long_the_leader_may_be_silent() -> None:
    scene = Scene()
    scene.watch.lives("leader", 1)
    scene.clock.sleep(1.0)
    assert scene.watch.left_s() == 2.5


# -- engines


class Pair(Lamp):
    """A leader and a standby that is hot."""

    def __init__(self, settings: SchedulerSettings | None = None) -> None:
        self.moody = Moody()
        super().__init__(january(("hourly",)), settings or SchedulerSettings(), store=self.moody)
        self.second = self.another_engine("scheduler-2")
        self.follow()

    def follow(self, seconds: float = 0.0) -> float:
        """Let time pass, and the standby look."""
        self.clock.sleep(seconds)
        return self.second.turn(self.clock.now())

    def beat(self) -> None:
        self.store.beat("scheduler-1", {})


def test_a_standby_is_at_the_last_turn_with_every_look_and_reads_nothing_anew_to_lead() -> None:
    pair = Pair()
    readings = pair.moody.readings
    for hour in range(5):
        pair.turn()
        pair.work(f"flights_hourly/20130101{hour:02}/1/1")
        pair.follow(0.25)
        assert pair.second.head == pair.engine.head
    pair.store.close_sessions(["scheduler-1"])
    pair.follow()
    assert (pair.second.leads, pair.moody.readings) == (True, readings)


def test_a_standby_looks_four_times_a_second_and_exactly_when_the_silence_is_over() -> None:
    pair = Pair()
    assert pair.follow(0.25) == 0.25
    assert pair.follow(3.1) == pytest.approx(0.15)
    assert (pair.follow(0.15), pair.second.leads) == (0.0, True)


def test_a_leader_that_beats_is_never_followed_upon() -> None:
    pair = Pair()
    for _ in range(100):
        pair.beat()
        pair.follow(3.0)
    assert not pair.second.leads


def test_taking_over_is_a_turn_and_says_since_when() -> None:
    pair = Pair()
    head = pair.engine.head
    pair.follow(SILENCE_S)
    assert [(turn.number, turn.session) for turn in pair.store.turns_after(head, 9)] == [(head + 1, "scheduler-2")]
    assert pair.second.leads_since == pair.clock.now()


def test_of_two_that_start_at_once_one_leads() -> None:
    lamp = Lamp(january(("hourly",)))
    lamp.store.close_sessions(["scheduler-1"])
    rivals = [lamp.another_engine(name) for name in ("scheduler-2", "scheduler-3")]
    insert = lamp.store.insert_turn
    begun: list[Engine] = []

    def insert_after_the_other(turn: object) -> bool:
        if not begun:
            begun.append(rivals[1])
            rivals[1].turn(lamp.clock.now())
        return insert(turn)  # type: ignore[arg-type]

    lamp.store.insert_turn = insert_after_the_other  # type: ignore[method-assign]
    for rival in rivals:
        rival.turn(lamp.clock.now())
    assert [rival.leads for rival in rivals] == [False, True]
    assert len({turn.number for turn in lamp.store.turns_after(0, 99)}) == len(lamp.store.turns_after(0, 99))


def test_fault_26_a_leader_that_wakes_up_leaves_the_reports_to_whoever_leads_by_then() -> None:
    pair = Pair()
    pair.turn()
    (uow,) = pair.claim(*hours(1))
    pair.follow()
    pair.follow(SILENCE_S)
    pair.finish(uow)
    pair.turn()
    assert not pair.engine.leads
    assert pair.broker.depths([REPORT_QUEUE]) == {REPORT_QUEUE: 1}


def test_a_leader_that_stood_still_for_a_moment_goes_on() -> None:
    pair = Pair()
    pair.clock.sleep(SILENCE_S)
    assert not pair.engine.surely_leads()
    pair.turn()
    assert (pair.engine.leads, pair.engine.surely_leads()) == (True, True)


def test_a_leader_that_was_taken_for_dead_follows_and_leads_again_in_its_turn() -> None:
    pair = Pair()
    pair.follow(SILENCE_S)
    pair.turn(2)
    assert not pair.engine.leads
    pair.store.close_sessions(["scheduler-2"])
    pair.turn()
    assert pair.engine.leads


def test_an_heir_leads_without_waiting_for_the_end_of_what_it_replaces() -> None:
    pair = Pair()
    pair.open_session("scheduler-3", kind="scheduler")
    heir = Engine(pair.store, pair.broker, pair.context, pair.clock, pair.settings, session="scheduler-3", heir_of="scheduler-1")
    heir.turn(pair.clock.now())
    pair.follow(0.25)
    assert (heir.leads, pair.second.leads) == (True, False)


def test_a_message_for_the_leader_is_not_taken_by_a_standby() -> None:
    pair = Pair()
    pair.broker.publish([Message(REPORT_QUEUE, "command:1")])
    pair.follow(0.25)
    assert pair.broker.depths([REPORT_QUEUE]) == {REPORT_QUEUE: 1}


def test_health_tells_who_leads_since_when_and_who_stands_by() -> None:
    pair = Pair()
    pair.store.beat("scheduler-1", {"leads_since": NOW.isoformat(), "turn": "2"})
    pair.store.beat("scheduler-2", {"turn": "1", "refused": "another start"})
    health = pair.desk.health()
    (follower,) = health.followers
    assert (health.leader, health.leads_since) == ("scheduler-1", NOW)
    assert (follower.session, follower.turns_behind, follower.refusal) == ("scheduler-2", pair.engine.head - 1, "another start")
