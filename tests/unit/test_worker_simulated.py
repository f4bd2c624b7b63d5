"""Which faults of the worker did the simulation find? Each as the shortest tale that shows it."""

from __future__ import annotations

from system.lifecycle import UowState
from tests.support.workplace import Workplace, taking
from workers.policy import WorkerSettings


def test_what_a_stopping_worker_ended_is_never_given_back_as_if_it_had_not_started() -> None:
    place = Workplace(taking(60.0), settings=WorkerSettings(stop_grace_s=0.5))
    uow_id = place.open(1)[0]
    place.store.mute = {"claim"}
    place.turn()
    place.store.mute = set()
    place.go_on(1.0)
    assert place.slots.running == [uow_id]
    place.store.away = {"close_sessions"}
    place.worker.stop()
    place.go_on(2.0)
    assert (place.slots.running, place.state(uow_id)) == ([], UowState.IN_PROGRESS)
