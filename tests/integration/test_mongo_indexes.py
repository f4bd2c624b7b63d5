"""Does an index serve every look-up that we make of MongoDB? The server is asked to explain each one that the store really sends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from db.model import Answer, Cancel, CommandState, Event, OutputPiece, UowMove, Widening
from db.model_boxes import BoxReport, BoxWish
from db.model_papers import Paper
from db.mongo import MongoStore
from db.mongo_schema import COLLECTIONS
from db.moving import KINDS
from db.store import Store
from system.lifecycle import JobState, UowEvent, UowState
from tests.support.builders import (
    NOW,
    PERIOD,
    PROCESS,
    UOW_ID,
    chunk,
    command,
    entry,
    job,
    outcome,
    process_row,
    session,
    switch,
    turn,
    uow,
)  # fmt: skip
from tests.support.mongo_server import drop_database, own_database
from tests.support.services import service_url

pytestmark = pytest.mark.service
LOOKS = ("find", "update", "delete", "aggregate", "count", "distinct", "findAndModify")
NO_SUCH_COMMAND = 59
NOT_EXPLAINED = ("lsid", "txnNumber", "readConcern", "writeConcern", "maxTimeMS", "bypassEmptyTsReplacement")


EVENT = Event(PROCESS, PERIOD, 1, 0, NOW, "hold")


class Recorder(CommandListener):
    """Keeps what was sent, one of each kind: a kind is a command, a collection, and which fields are compared how."""

    def __init__(self) -> None:
        self.kinds: dict[str, dict[str, Any]] = {}

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in LOOKS:
            for one in _single(dict(event.command)):
                self.kinds.setdefault(_kind(one), one)

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...


def _single(sent: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a command without what can't be explained; of one with many statements, one for each."""
    bare = {name: value for name, value in sent.items() if not name.startswith("$") and name not in NOT_EXPLAINED}
    statements = "updates" if "update" in bare else "deletes"
    if statements not in bare:
        yield bare
    for one in bare.get(statements, ()):
        yield {**bare, statements: [one]}


def _kind(sent: dict[str, Any]) -> str:
    def shape(value: Any) -> Any:
        return {name: shape(inner) for name, inner in value.items()} if isinstance(value, dict) else "..."

    looked_for = [one["q"] for one in sent.get("updates", sent.get("deletes", ()))] or sent.get("filter") or sent.get("pipeline")
    looked_for = looked_for or sent.get("query")
    filters = looked_for if isinstance(looked_for, list) else [looked_for]
    name = next(iter(sent))
    return f"{name} {sent[name]} {[shape(one) for one in filters]} sort={dict(sent.get('sort', {}))} limit={bool(sent.get('limit'))}"


class Used:
    """A store that remembers which of its verbs were called."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.verbs: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.verbs.add(name)
        return getattr(self.store, name)


def use_everything(store: Any) -> None:
    """Call each verb, with something to find."""
    store.prepare()
    store.describe()
    store.mend()
    store.open_session(session())
    store.beat("worker-1", {})
    number = store.add_command(command())
    first = turn(
        jobs=[job(), job("2024010106", JobState.PROCESSED)], opened=[uow(), uow("p/2/1/1")], events=[EVENT], entries=[entry()],
        switches=[switch()], registered=[process_row()],
    )  # fmt: skip
    store.insert_turn(first)
    store.project(first, [chunk()])
    (claim, other) = sorted(store.claim([UOW_ID, "p/2/1/1"], "worker-1", NOW), key=lambda won: won.id != UOW_ID)
    store.claim([f"p/{n}/1/1" for n in range(3, 12)], "worker-1", NOW)
    store.finish([outcome(claim), outcome(claim)])
    store.give_back([other])
    second = turn(
        2, jobs=[job(turn=2), job("2024010107", run=7, turn=2)], cancels=[Cancel("p/2/1/1", "why")], lost=["worker-1"],
        moves=[UowMove(UOW_ID, UowState.INVALID, UowEvent.RETRIED, 1), UowMove("p/2/1/1", UowState.REQUESTED, UowEvent.CANCELED, 1)],
        widenings=[Widening("p/2/1/1", 1, "[]")], answers=[Answer(number, CommandState.DONE, "done")], switches=[switch(turn=2)],
    )  # fmt: skip
    store.insert_turn(second)
    store.project(second, [chunk(turn=2)])
    read_everything(store)
    move_everything(store)
    keep_house(store)


def read_everything(store: Any) -> None:
    store.turns_after(0, 9)
    store.projected_turn()
    store.active_jobs()
    store.jobs(PROCESS, [PERIOD])
    list(store.chunks([PROCESS]))
    store.entries()
    store.events(PROCESS, PERIOD, 9)
    store.uows([UOW_ID])
    store.uows_of(PROCESS, PERIOD, 9)
    store.uows_begun(NOW, NOW + timedelta(days=1), 9)
    store.jobs_at([(PROCESS, PERIOD), ("other", PERIOD)])
    store.output_from(UOW_ID, 1, 0)
    store.fires(PROCESS, PERIOD, 9)
    store.sessions()
    store.beat_of("worker-1")
    store.open_commands(9)
    store.command(1)
    store.latest_commands(0, 9)
    store.latest_commands(9, 9)
    store.switches()
    store.contexts()
    store.append_output([OutputPiece(UOW_ID, 1, 0, "words")])
    store.output(UOW_ID)
    store.processes()
    store.put_box_wishes([BoxWish("box", PROCESS)])
    store.put_box_reports([BoxReport("box", PROCESS, 1, NOW)])
    store.box_wishes()
    store.box_reports()
    store.drop_box("box", [PROCESS])
    for version in (1, 2):
        store.put_paper(Paper("user", "ann", version, "text", NOW))
    store.paper("user", "ann")
    store.papers("user", "", 9)
    store.drop_paper("user", "ann", 1)
    store.drop_papers("user", NOW + timedelta(days=1), 9)


def move_everything(store: Any) -> None:
    for kind in KINDS:
        found = store.records(kind, "", 1).found
        store.records(kind, "1", 1)
        store.put_records(kind, found)
    store.put_marks(store.marks())
    store.put_note("migration", "text")
    store.note("migration")


def keep_house(store: Any) -> None:
    for old in (store.old_uows, store.old_jobs, store.old_commands, store.old_events):
        old(NOW, "", 1)
        old(NOW, "1", 1)
    store.printed("", 1)
    store.printed("a", 1)
    store.floor(PROCESS)
    store.sizes()
    store.expire_sessions({"worker-1": 1})
    store.close_sessions(["worker-1"])
    store.remove_uows([UOW_ID])
    store.remove_jobs([job("2024010106", JobState.PROCESSED)])
    store.remove_turns(1)
    store.remove_commands([1])
    store.remove_events([EVENT])
    store.remove_output([UOW_ID])
    store.remove_sessions(NOW, 9)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def database(recorder: Recorder) -> Iterator[Database[Any]]:
    url = own_database(service_url("MONGODB_URL"))
    with MongoClient[Any](url, event_listeners=[recorder]) as client:
        yield client.get_default_database()
    drop_database(url)


def stages(plan: Any) -> Iterator[str]:
    """Yield the names of a plan's stages, however deep."""
    if isinstance(plan, dict):
        if "stage" in plan:
            yield plan["stage"]
        for inner in plan.values():
            yield from stages(inner)
    if isinstance(plan, list):
        for inner in plan:
            yield from stages(inner)


def asks_for_all(sent: dict[str, Any]) -> bool:
    """Return whether a command means all there is of a kind: to read or count it walks the collection, whatever indexes there are."""
    return (sent.get("filter") == {} and not sent.get("limit")) or sent.get("pipeline", [{}])[0] == {"$match": {}}


def explained(database: Database[Any], sent: dict[str, Any]) -> list[str]:
    """Return the stages of the server's plan; skips the test where it explains nothing, but not in CI."""
    try:
        answer = database.command("explain", sent, verbosity="queryPlanner")
    except OperationFailure as error:
        if error.code != NO_SUCH_COMMAND or os.environ.get("CI"):
            raise
        pytest.skip("this server explains nothing")
    return list(stages(answer["queryPlanner"]["winningPlan"]))


def test_the_scenario_calls_every_verb_of_the_port(database: Database[Any]) -> None:
    used = Used(MongoStore(database))
    use_everything(used)
    assert sorted(Store.__abstractmethods__ - used.verbs - {"close"}) == []
    assert sorted(set(database.list_collection_names()) - set(COLLECTIONS)) == []  # or a reset would leave some behind


def test_no_look_up_walks_a_collection(database: Database[Any], recorder: Recorder) -> None:
    use_everything(MongoStore(database))
    kinds = {kind: sent for kind, sent in recorder.kinds.items() if not asks_for_all(sent)}
    walks = [kind for kind, sent in kinds.items() if "COLLSCAN" in explained(database, sent)]
    assert len(kinds) > 40
    assert walks == []


def test_a_look_up_that_walks_a_collection_is_seen(database: Database[Any]) -> None:
    database["uows"].insert_one({"_id": 1})
    assert "COLLSCAN" in explained(database, {"find": "uows", "filter": {"reason": "x"}})
    assert "COLLSCAN" in explained(database, {"update": "uows", "updates": [{"q": {"reason": "x"}, "u": {"$set": {"x": 1}}}]})
    assert "COLLSCAN" not in explained(database, {"find": "uows", "filter": {"_id": 1}})
