"""Does every store tell of itself what is so? The verbs by which a doctor looks, on each backend."""

from __future__ import annotations

from db.store import Store
from system.clock import RealClock
from tests.support.builders import turn
from tests.support.stores import commit, everything, open_uows


def test_a_store_that_was_prepared_is_whole(store: Store) -> None:
    facts = store.describe()
    assert (facts.schema, facts.missing, facts.unsupported) == (facts.known, (), "")
    assert not facts.is_broken
    assert facts.server


def test_to_mend_a_store_that_is_whole_changes_nothing(store: Store) -> None:
    commit(store, turn(1))
    open_uows(store, "a/1/1/1")
    before = everything(store, ids=["a/1/1/1"])
    store.mend()
    assert everything(store, ids=["a/1/1/1"]) == before


def test_a_server_tells_its_own_time(store: Store) -> None:
    now = store.describe().now
    assert now is None or abs((now - RealClock().now()).total_seconds()) < 60.0
