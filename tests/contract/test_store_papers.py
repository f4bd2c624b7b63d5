"""Do the papers of mx come back as they were written, and is a writing refused that knows nothing of the one before it?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from db.model_papers import Paper
from db.store import Store
from tests.support.builders import NOW
from tests.support.stores import race

PAPER = Paper("user", "ann", 1, '{"said":"naïve ☕ \\" % $set"}', NOW)


def test_an_empty_store_has_no_paper(store: Store) -> None:
    assert (store.paper("user", "ann"), store.papers("user", "", 10)) == (None, [])


def test_a_paper_comes_back_as_it_was_written(store: Store) -> None:
    forever = Paper("user", "bob", 1, "")
    assert [store.put_paper(PAPER), store.put_paper(forever)] == [True, True]
    assert [store.paper("user", "ann"), store.paper("user", "bob")] == [PAPER, forever]


def test_a_first_writing_is_refused_where_there_is_one(store: Store) -> None:
    store.put_paper(PAPER)
    assert not store.put_paper(replace(PAPER, text="other"))
    assert store.paper("user", "ann") == PAPER


def test_a_later_writing_takes_the_place_of_the_one_before_it_only(store: Store) -> None:
    store.put_paper(PAPER)
    second = replace(PAPER, version=2, text="second", until=None)
    assert [store.put_paper(replace(PAPER, version=3)), store.put_paper(second), store.put_paper(second)] == [False, True, False]
    assert store.paper("user", "ann") == second
    assert not store.put_paper(Paper("user", "nobody", 2, "x"))


def test_papers_come_by_key_from_a_place_on(store: Store) -> None:
    for key in ("b", "a", "Z", "a ", "ä", "b/1"):
        store.put_paper(Paper("user", key, 1, key))
    store.put_paper(Paper("users", "c", 1, "of another kind"))
    store.put_paper(Paper("use", "c", 1, "of another kind"))
    assert [paper.key for paper in store.papers("user", "", 10)] == ["Z", "a", "a ", "b", "b/1", "ä"]
    assert [paper.key for paper in store.papers("user", "a", 2)] == ["a ", "b"]
    assert store.papers("user", "", 0) == store.papers("user", "ä", 9) == []


def test_only_the_version_that_was_read_is_dropped(store: Store) -> None:
    store.put_paper(PAPER)
    store.put_paper(replace(PAPER, version=2))
    assert [store.drop_paper("user", "ann", 1), store.drop_paper("user", "ann", 2), store.drop_paper("user", "ann", 2)] == [
        False, True, False,
    ]  # fmt: skip
    assert store.paper("user", "ann") is None
    assert store.put_paper(PAPER), "one that was dropped begins anew"


def test_what_is_over_is_dropped_a_few_at_a_time_and_the_rest_stays(store: Store) -> None:
    for hour in range(4):
        store.put_paper(Paper("login", f"{hour}", 1, "", NOW + timedelta(hours=hour)))
    store.put_paper(Paper("login", "forever", 1, ""))
    store.put_paper(Paper("user", "ann", 1, "", NOW))
    assert [store.drop_papers("login", NOW + timedelta(hours=3), most) for most in (0, 2, 2, 2)] == [0, 2, 1, 0]
    assert [paper.key for paper in store.papers("login", "", 10)] == ["3", "forever"]
    assert store.paper("user", "ann") is not None


def test_of_many_who_write_the_same_version_one_wins(store: Store) -> None:
    won: list[tuple[int, int]] = []

    def work(number: int) -> None:
        for version in (1, 2, 3):
            if store.put_paper(Paper("user", "ann", version, f"{number}")):
                won.append((version, number))

    race(8, work)
    assert [version for version, _ in sorted(won)] == [1, 2, 3]
    last = store.paper("user", "ann")
    assert last is not None
    assert (last.version, int(last.text)) == max(won)
