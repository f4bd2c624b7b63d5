"""Does the store on MongoDB stand what happens to a server: that it hangs, goes and comes back? And what does it ask of a set of them?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from db import mongo_client
from db.mongo_client import open_database
from db.mongo_errors import translating
from db.store import Store
from db.urls import open_store
from system.clock import RealClock
from system.errors import StoreError, Unavailable
from tests.support.builders import NOW, UOW_ID, job, outcome, session, turn, uow
from tests.support.link import Link
from tests.support.mongo_server import own_mongodb
from tests.support.pretended_set import PretendedSet
from tests.support.stores import claim_one, commit, race

pytestmark = pytest.mark.service
CLOCK = RealClock()
# For servers that hang. A busy machine needs longer to answer than this, now and then, so it is not for the other tests.
IMPATIENT = "?socketTimeoutMS=1000&connectTimeoutMS=1000&serverSelectionTimeoutMS=1000&heartbeatFrequencyMS=500"


@pytest.fixture
def url() -> Iterator[str]:
    with own_mongodb() as made:
        yield made


@pytest.fixture
def link(url: str) -> Iterator[Link]:
    with Link(url) as made:
        yield made


@pytest.fixture
def store(link: Link) -> Iterator[Store]:
    """A store behind the link, prepared, with one open session."""
    made = open_store(link.url)
    made.prepare()
    made.open_session(session())
    yield made
    made.close()


def goes_on(store: Store) -> bool:
    """Return whether the store answers again; at first a driver may still hold the server for away."""
    try:
        store.sessions()
    except Unavailable:
        return False
    return True


def wait_for(store: Store) -> None:
    until_s = CLOCK.monotonic() + 20
    while not goes_on(store):
        assert CLOCK.monotonic() < until_s, "the store does not answer again"


def test_a_beat_does_not_wait_for_a_server_that_hangs(store: Store, link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo_client, "BRIEF_S", 0.3)
    link.hang()
    began_s = CLOCK.monotonic()
    with pytest.raises(Unavailable):
        store.beat("worker-1", {})
    assert CLOCK.monotonic() - began_s < 3
    link.mend()
    wait_for(store)
    assert store.beat("worker-1", {}).is_open


@pytest.mark.parametrize("fault", ["hang", "refuse"])
def test_every_call_ends_while_the_server_is_away_and_goes_on_after_it(link: Link, fault: str) -> None:
    store = open_store(link.url + IMPATIENT)
    store.prepare()
    made = turn(1, jobs=[job()], opened=[uow()])
    getattr(link, fault)()
    for call in (lambda: store.insert_turn(made), lambda: store.project(made, []), lambda: store.claim([UOW_ID], "worker-1", NOW)):
        with pytest.raises(Unavailable):
            call()
    link.mend()
    wait_for(store)
    store.insert_turn(made)  # it may have arrived before
    store.project(made, [])
    assert store.finish([outcome(claim_one(store))]) == [UOW_ID]
    assert store.turns_after(0, 9) == [made]
    store.close()


def test_connections_that_were_cut_are_made_anew(store: Store, link: Link) -> None:
    for number in range(1, 6):
        link.cut()
        wait_for(store)
        commit(store, turn(number, jobs=[job(turn=number)]))
    assert store.projected_turn() == 5


def test_threads_of_one_store_survive_a_cut_in_the_middle(store: Store, link: Link) -> None:
    def beat_often(number: int) -> int:
        if not number:
            link.cut()
        done = 0
        for _ in range(10):
            try:
                done += store.beat("worker-1", {}).is_open
            except Unavailable:
                wait_for(store)
        return done

    done = sum(race(4, beat_often))
    (found,) = store.sessions()
    assert 0 < done <= found.beat <= 40


def test_a_read_whose_cursor_the_server_forgot_may_be_made_again(url: str) -> None:
    """As a server does that is started anew between two batches of an answer."""
    with open_database(url).client as client:
        found = client.get_default_database()["many"]
        found.insert_many([{"_id": number} for number in range(10)])
        cursor = found.find({}, batch_size=2)
        next(cursor)
        found.database.command("killCursors", "many", cursors=[cursor.cursor_id])
        with pytest.raises(Unavailable, match="just now: cursor id"), translating():
            list(cursor)


def test_a_wrong_password_is_said(url: str) -> None:
    store = open_store(url.replace("://", "://ann:s3cret@"))
    with pytest.raises(StoreError) as caught:
        store.prepare()
    assert not isinstance(caught.value, Unavailable)
    assert "s3cret" not in str(caught.value)
    store.close()


# -- a replica set


@pytest.fixture
def replica(url: str) -> Iterator[PretendedSet]:
    with PretendedSet(url) as made:
        yield made


def sent(replica: PretendedSet, name: str) -> list[Any]:
    """Return the commands of one name, past preparing."""
    return [document for document in replica.asked if name in document and document[name] != "meta"]


def test_a_set_is_asked_in_sessions_that_wait_for_what_was_seen_before(replica: PretendedSet) -> None:
    store = open_store(replica.url)
    store.prepare()
    commit(store, turn(1, jobs=[job()], opened=[uow()]))
    store.finish([outcome(claim_one(store))])
    store.active_jobs()
    store.uows([UOW_ID])
    store.close()
    finds = sent(replica, "find")
    times = [find["readConcern"]["afterClusterTime"] for find in finds]
    assert {find["readConcern"]["level"] for find in finds} == {"majority"}
    assert len(times) == 2
    assert times == sorted(times)
    assert len({find["lsid"]["id"] for find in finds}) == 1


def test_what_one_thread_wrote_another_waits_for(replica: PretendedSet) -> None:
    store = open_store(replica.url)
    store.prepare()
    race(1, lambda _: store.open_session(session()))
    store.sessions()
    (written,), (read,) = sent(replica, "insert"), sent(replica, "find")
    assert written["lsid"] != read["lsid"]
    assert read["readConcern"]["afterClusterTime"] >= written["told"]
    store.close()


def test_every_write_waits_for_the_majority_but_for_the_watermark(replica: PretendedSet) -> None:
    store = open_store(replica.url)
    store.prepare()
    commit(store, turn(1, jobs=[job()], opened=[uow()]))
    store.open_session(session())
    store.beat("worker-1", {})
    store.close()
    lasting = [document["writeConcern"] for name in ("insert", "update") for document in sent(replica, name)]
    assert len(lasting) >= 5
    assert all(concern["w"] == "majority" and concern["j"] for concern in lasting)
    marks = [document["writeConcern"] for document in replica.asked if document.get("update") == "meta"]
    assert marks == [{"w": 1}]
