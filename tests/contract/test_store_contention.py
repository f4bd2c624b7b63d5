"""Does each record have one winner when eight processes fight for it at once? Threads, where a backend lives in one process."""

from __future__ import annotations

from collections import Counter
from random import Random

from db.model import UnitOfWork
from db.store import Store
from system.lifecycle import UowState
from tests.support.builders import NOW, command, outcome, session, turn
from tests.support.contention import FIGHTERS, Arena
from tests.support.stores import open_uows

IDS = [f"p/{number}/1/1" for number in range(200)]
TURNS = 15
ROUNDS = 5


def claim_in_bites(store: Store, number: int) -> list[UnitOfWork]:
    """Claim all there is, a few at a time, in an order of one's own."""
    order = Random(number).sample(IDS, len(IDS))
    return [won for place in range(0, len(order), 25) for won in store.claim(order[place : place + 25], f"worker-{number}", NOW)]


def claim_and_give_back(store: Store, number: int) -> list[str]:
    """Claim all there is, and give it back, a few times; returns what was won, each time."""
    won: list[str] = []
    for _ in range(ROUNDS):
        claims = store.claim(IDS, f"worker-{number}", NOW)
        won += [claim.id for claim in claims]
        assert sorted(store.give_back(claims)) == sorted(claim.id for claim in claims)
    return won


def finish_all(store: Store, number: int) -> list[str]:
    """Tell the end of each claim of `worker-0`, as two threads of one worker must not."""
    return store.finish([outcome(claim, rows=number) for claim in store.uows(IDS) if claim.state is UowState.IN_PROGRESS])


def lead(store: Store, number: int) -> list[int]:
    """Insert turn after turn; returns the numbers that were one's own."""
    return [place for place in range(1, TURNS + 1) if store.insert_turn(turn(place, session=f"scheduler-{number}"))]


def give_commands(store: Store, number: int) -> list[int]:
    """Give some commands; returns their numbers."""
    return [store.add_command(command(who=f"ann-{number}")) for _ in range(10)]


def expire(store: Store, number: int) -> list[str]:
    """Close the session that nobody heard of."""
    return store.expire_sessions({"worker-1": 0})


def beat_often(store: Store, number: int) -> int:
    """Beat; returns how often the session was open."""
    return sum(store.beat("worker-1", {}).is_open for _ in range(20))


def test_what_eight_claim_at_once_each_is_won_once(store: Store, arena: Arena) -> None:
    open_uows(store, *IDS)
    won = [uow for wins in arena.fight(claim_in_bites) for uow in wins]
    assert sorted(uow.id for uow in won) == sorted(IDS)
    assert {uow.fence for uow in won} == {1}
    assert sorted(won, key=lambda uow: uow.id) == sorted(store.uows(IDS), key=lambda uow: uow.id)


def test_a_fence_counts_every_win_of_eight_that_claim_and_give_back(store: Store, arena: Arena) -> None:
    open_uows(store, *IDS)
    won = Counter(uow_id for wins in arena.fight(claim_and_give_back) for uow_id in wins)
    assert {uow.id: uow.fence for uow in store.uows(IDS)} == {uow_id: won[uow_id] for uow_id in IDS}
    assert won.total() >= len(IDS)


def test_of_eight_that_tell_the_end_one_is_believed(store: Store, arena: Arena) -> None:
    open_uows(store, *IDS)
    store.claim(IDS, "worker-0", NOW)
    written = arena.fight(finish_all)
    assert Counter(uow_id for ids in written for uow_id in ids) == dict.fromkeys(IDS, 1)
    assert {uow.id: uow.rows for uow in store.uows(IDS)} == {uow_id: number for number, ids in enumerate(written) for uow_id in ids}


def test_of_eight_leaders_one_has_each_turn(store: Store, arena: Arena) -> None:
    led = arena.fight(lead)
    leaders = {place: f"scheduler-{number}" for number, places in enumerate(led) for place in places}
    assert sum(len(places) for places in led) == TURNS
    assert {found.number: found.session for found in store.turns_after(0, 99)} == leaders


def test_commands_of_eight_have_numbers_without_a_gap(store: Store, arena: Arena) -> None:
    numbers = arena.fight(give_commands)
    assert sorted(number for given in numbers for number in given) == list(range(1, 10 * FIGHTERS + 1))
    assert {store.command(number).who for number in numbers[3]} == {"ann-3"}


def test_of_eight_observers_one_closes_a_lost_session(store: Store, arena: Arena) -> None:
    store.open_session(session("worker-1"))
    assert sorted(arena.fight(expire)) == [[]] * (FIGHTERS - 1) + [["worker-1"]]


def test_no_beat_of_eight_is_lost(store: Store, arena: Arena) -> None:
    store.open_session(session("worker-1"))
    assert arena.fight(beat_often) == [20] * FIGHTERS
    assert store.sessions()[0].beat == 20 * FIGHTERS
