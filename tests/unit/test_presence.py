"""Do beats keep attempts alive, and does nothing else?"""

from __future__ import annotations

import pytest

from db.model import BeatAnswer
from system.errors import StoreError
from tests.support.workplace import Workplace, taking
from workers.presence import Standing


def test_a_session_opens_with_the_workers_facts_and_lets_slots_live() -> None:
    place = Workplace()
    place.presence.open(place.clock.now())
    opened = place.store.sessions()[0]
    assert (opened.id, opened.kind, opened.slots, opened.opened_at) == ("worker-1", "worker", 2, place.clock.now())
    assert place.presence.safe_s() == 27.0
    assert place.slots.room() == 2


def test_a_beat_raises_the_number_and_tells_the_facts() -> None:
    place = Workplace()
    place.presence.open(place.clock.now())
    place.presence.tell({"running": "1"})
    place.beat()
    found = place.store.sessions()[0]
    assert (found.beat, found.facts["running"]) == (1, "1")


def test_a_beat_lengthens_life_from_when_it_was_sent() -> None:
    place = Workplace()
    place.presence.open(place.clock.now())
    place.clock.sleep(10.0)
    slow(place, 4.0)
    place.beat()
    assert place.presence.safe_s() == 27.0 - 4.0


def test_a_beat_that_failed_changes_nothing() -> None:
    place = Workplace()
    place.presence.open(place.clock.now())
    place.store.away = {"beat"}
    place.clock.sleep(10.0)
    place.beat()
    assert (place.presence.standing, place.presence.safe_s()) == (Standing.OPEN, 17.0)


def test_without_a_good_beat_the_session_expires_when_its_time_is_over() -> None:
    place = Workplace()
    place.presence.open(place.clock.now())
    place.clock.sleep(26.9)
    assert place.presence.standing is Standing.OPEN
    place.clock.sleep(0.1)
    assert (place.presence.standing, place.presence.safe_s(), place.slots.room()) == (Standing.EXPIRED, 0.0, 0)


def test_a_beat_whose_answer_came_too_late_does_not_bring_an_expired_session_back() -> None:
    place = Workplace()
    place.presence.open(place.clock.now())
    slow(place, 27.0)
    place.beat()
    assert (place.presence.standing, place.slots.room()) == (Standing.EXPIRED, 0)
    place.beat()
    assert place.store.sessions()[0].beat == 1


def test_a_session_that_was_closed_by_someone_else_is_lost_and_everything_ends_at_once() -> None:
    place = Workplace(taking(60.0))
    place.open(1)
    place.turn()
    place.store.close_sessions(["worker-1"])
    place.beat()
    assert (place.presence.standing, place.slots.running, place.presence.has_news()) == (Standing.LOST, [], True)


def test_the_late_answer_to_a_beat_of_an_older_session_means_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Workplace()
    place.presence.open(place.clock.now())

    def beat_while_replaced(session_id: str, facts: dict[str, str]) -> BeatAnswer:
        place.presence.close()
        place.presence.open(place.clock.now())
        return BeatAnswer(is_open=False)

    monkeypatch.setattr(place.store, "beat", beat_while_replaced)
    place.beat()
    assert (place.presence.standing, place.presence.session) == (Standing.OPEN, "worker-2")


def test_a_turn_beats_when_a_beat_is_due_and_says_when_the_next_one_is() -> None:
    place = Workplace()
    place.presence.open(place.clock.now())
    assert place.presence.turn(place.clock.now()) == 2.0
    place.clock.sleep(1.5)
    assert place.presence.turn(place.clock.now()) == 0.5
    place.clock.sleep(0.5)
    assert place.presence.turn(place.clock.now()) == 2.0
    assert place.store.sessions()[0].beat == 1


def test_without_a_session_there_is_nothing_to_beat() -> None:
    place = Workplace()
    assert place.presence.turn(place.clock.now()) <= 2.0
    assert place.journal == []


def test_cancels_are_handed_on_once_a_beat() -> None:
    place = Workplace(taking(60.0))
    uow_id = place.open(1)[0]
    place.turn()
    place.cancel(uow_id)
    place.beat()
    assert place.presence.has_news()
    assert place.presence.cancels() == [uow_id]
    assert place.presence.cancels() == []
    place.beat()
    assert place.presence.cancels() == [uow_id]


def test_closing_tells_the_store_and_names_the_session() -> None:
    place = Workplace()
    place.presence.open(place.clock.now())
    assert place.presence.close() == "worker-1"
    assert (place.sessions(), place.presence.standing) == ([], Standing.NONE)


def test_each_session_has_an_id_of_its_own() -> None:
    place = Workplace()
    place.store.mute = {"open_session"}
    with pytest.raises(StoreError, match="answer was lost"):
        place.presence.open(place.clock.now())
    place.store.mute = set()
    place.presence.open(place.clock.now())
    assert place.presence.session == "worker-2"


def slow(place: Workplace, seconds: float) -> None:
    """Let the store take that long for a beat."""
    place.store.at_call = lambda verb: place.clock.sleep(seconds if verb == "beat" else 0.0)
