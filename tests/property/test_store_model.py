"""Do the stores agree after any series of verbs? The one in memory is the model; the others are held against it, read by read."""

from __future__ import annotations

from collections.abc import Callable
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from db.memory import MemoryStore
from db.model import Answer, Cancel, Chunk, CommandState, Event, Job, Outcome, OutputPiece, Turn, UnitOfWork, UowMove
from db.mongo import MongoStore
from db.store import Store
from db.urls import open_store
from system.errors import HorariumError
from system.lifecycle import UOW_LIFECYCLE, JobState, UowEvent, UowState
from tests.support.builders import NOW, PROCESS, chunk, command, entry, job, outcome, process_row, session, turn, uow
from tests.support.mongo import mock_database
from tests.support.services import service_url
from tests.support.sql_servers import empty_store, own_sql_database
from tests.support.stores import everything

IDS = ["a", "b", "c", "d"]
PERIODS = ["2024010101", "2024010102"]
SESSIONS = ["worker-1", "worker-2"]
MOVES = sorted(UOW_LIFECYCLE, key=str)

ids = st.sampled_from(IDS)
sessions = st.sampled_from(SESSIONS)
fences = st.integers(0, 3)
words = st.sampled_from(["", "words", "naïve ☕ 'quoted' %s"])
batches = st.lists(ids, max_size=6)
facts = st.dictionaries(words, words, max_size=2)


@st.composite
def turns(draw: st.DrawFn, number: int) -> Turn:
    """Return a turn whose moves are legal, if not always possible; none of them names a record twice."""
    answered = draw(st.lists(st.integers(1, 4), max_size=2, unique=True))
    periods, moved, canceled = (draw(st.lists(names, max_size=2, unique=True)) for names in (st.sampled_from(PERIODS), ids, ids))
    return turn(
        number,
        jobs=[job(p, draw(st.sampled_from(JobState)), turn=number, reason=draw(words)) for p in periods],
        opened=[uow(i, turn=number, fence=draw(fences)) for i in draw(st.lists(ids, max_size=4, unique=True))],
        moves=[_move(draw, i) for i in moved],
        cancels=[Cancel(i, draw(words)) for i in canceled],
        entries=[entry(i, turn=number, fired=draw(fences)) for i in draw(st.lists(ids, max_size=2, unique=True))],
        lost=draw(st.lists(sessions, max_size=1)),
        events=[Event(PROCESS, p, number, place, NOW, draw(words)) for place, p in enumerate(periods)],
        answers=[Answer(n, draw(st.sampled_from(CommandState)), draw(words)) for n in answered],
    )


def _move(draw: st.DrawFn, uow_id: str) -> UowMove:
    before, event = draw(st.sampled_from(MOVES))
    return UowMove(uow_id, before, event, draw(fences), losses=draw(fences), reason=draw(words))


class Agreement(RuleBasedStateMachine):
    """Each rule asks every store for the same and compares what they answer; the invariant compares all that can be read."""

    opens_at_once = False

    @initialize()
    def prepare(self) -> None:
        self.folder = TemporaryDirectory()
        self.model: Store = MemoryStore(opens_at_once=self.opens_at_once)
        self.stores: list[Store] = [self.model, *self.others()]
        self.turns: list[tuple[Turn, list[Chunk]]] = []
        self.claims: list[UnitOfWork] = []
        self.ask(lambda store: store.prepare())

    def others(self) -> list[Store]:
        """Return the stores that are held against the model."""
        return [MongoStore(mock_database())]

    def teardown(self) -> None:
        if hasattr(self, "stores"):
            self.ask(lambda store: store.close())
            self.folder.cleanup()

    def ask(self, verb: Callable[[Store], Any]) -> Any:
        """Return what all stores answer; an error of ours is an answer by its kind."""
        first, *others = [_answer(store, verb) for store in self.stores]
        for store, other in zip(self.stores[1:], others, strict=True):
            assert other == first, f"{type(store).__name__} differs from the model"
        return first

    # -- turns

    @rule(data=st.data(), states=st.binary(min_size=1, max_size=3), projected=st.booleans())
    def commit(self, data: st.DataObject, states: bytes, projected: bool) -> None:
        number = len(self.turns) + 1
        made, chunks = data.draw(turns(number)), [chunk(len(states), states, turn=number)]
        self.turns.append((made, chunks))
        assert self.ask(lambda store: store.insert_turn(made))
        if projected:
            self.ask(lambda store: store.project(made, chunks))

    @precondition(lambda self: self.turns)
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        made, chunks = data.draw(st.sampled_from(self.turns))
        self.ask(lambda store: store.project(made, chunks))

    @precondition(lambda self: self.turns)
    @rule(number=st.integers(1, 30))
    def insert_again(self, number: int) -> None:
        taken = turn(min(number, len(self.turns)), session="late")
        assert not self.ask(lambda store: store.insert_turn(taken))

    # -- units of work

    @rule(wanted=batches, name=sessions)
    def claim(self, wanted: list[str], name: str) -> None:
        self.claims += self.ask(lambda store: store.claim(wanted, name, NOW))

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        claims = data.draw(self.some_claims())
        self.ask(lambda store: store.give_back(claims))

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), event=st.sampled_from([UowEvent.DONE, UowEvent.EMPTY, UowEvent.FAILED, UowEvent.CANCELED]), reason=words)
    def finish(self, data: st.DataObject, event: UowEvent, reason: str) -> None:
        outcomes: list[Outcome] = [outcome(claimed, event, reason=reason, failures=1) for claimed in data.draw(self.some_claims())]
        self.ask(lambda store: store.finish(outcomes))

    def some_claims(self) -> st.SearchStrategy[list[UnitOfWork]]:
        """Return a strategy for claims of now and before, one for each unit of work, so that their order does not matter."""
        return st.lists(st.sampled_from(self.claims[-8:]), min_size=1, max_size=3, unique_by=lambda claimed: claimed.id)

    # -- sessions

    @rule(name=st.sampled_from([*SESSIONS, "worker-3"]), told=facts)
    def open_session(self, name: str, told: dict[str, str]) -> None:
        self.ask(lambda store: store.open_session(session(name, facts=told)))

    @rule(name=sessions, told=facts)
    def beat(self, name: str, told: dict[str, str]) -> None:
        self.ask(lambda store: store.beat(name, told))

    @rule(name=sessions)
    def close_session(self, name: str) -> None:
        self.ask(lambda store: store.close_sessions([name]))

    @rule(beats=st.dictionaries(sessions, st.integers(0, 3)))
    def expire(self, beats: dict[str, int]) -> None:
        self.ask(lambda store: store.expire_sessions(beats))

    # -- the other records

    @rule(why=words)
    def add_command(self, why: str) -> None:
        self.ask(lambda store: store.add_command(command(why=why)))

    @rule(number=st.integers(0, 5), limit=st.integers(0, 3))
    def read_commands(self, number: int, limit: int) -> None:
        self.ask(lambda store: store.command(number))
        self.ask(lambda store: store.open_commands(limit))

    @rule(uow_id=ids, fence=fences, offset=st.integers(0, 2), text=words)
    def append_output(self, uow_id: str, fence: int, offset: int, text: str) -> None:
        self.ask(lambda store: store.append_output([OutputPiece(uow_id, fence, offset, text)]))

    @rule(names=batches, shape=words, number=st.integers(1, 5))
    def register(self, names: list[str], shape: str, number: int) -> None:
        rows = [process_row(name, shape=shape, turn=number) for name in dict.fromkeys(names)]
        self.ask(lambda store: store.project(turn(number, registered=rows), []))

    @rule(number=st.integers(-1, 5), limit=st.integers(0, 3))
    def read_turns(self, number: int, limit: int) -> None:
        self.ask(lambda store: store.turns_after(number, limit))

    @invariant()
    def all_reads_agree(self) -> None:
        if hasattr(self, "stores"):
            self.ask(lambda store: everything(store, periods=PERIODS, ids=IDS))

    @invariant()
    def the_indexes_of_the_model_agree_with_its_records(self) -> None:
        if hasattr(self, "stores"):
            active: list[Job] = [found for found in self.model.jobs(job().process, PERIODS) if found.state <= JobState.FINAL_RUN]
            assert sorted(found.timeperiod for found in self.model.active_jobs()) == sorted(found.timeperiod for found in active)
            running = {found.id for found in self.model.uows(IDS) if found.state is UowState.IN_PROGRESS}
            assert {name for names in self.model._claims.values() for name in names} == running  # type: ignore[attr-defined]


def _answer(store: Store, verb: Callable[[Store], Any]) -> Any:
    try:
        answer = verb(store)
    except HorariumError as error:
        return type(error)
    return sorted(answer, key=repr) if isinstance(answer, list) else answer


Agreement.TestCase.settings = settings(
    max_examples=80, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
test_mongo_agrees_with_the_model_after_any_series_of_verbs = Agreement.TestCase


class AtOnce(Agreement):
    """Stores that open few units of work with their turn."""

    opens_at_once = True

    def others(self) -> list[Store]:
        """Return the stores that are held against the model."""
        return [open_store(f"sqlite:///{self.folder.name}/horarium.db")]


AtOnce.TestCase.settings = Agreement.TestCase.settings
test_sql_agrees_with_the_model_after_any_series_of_verbs = AtOnce.TestCase


@pytest.mark.service
@pytest.mark.parametrize("name", ["POSTGRES_URL", "MARIADB_URL"])
def test_a_store_on_a_server_agrees_with_the_model(name: str) -> None:
    opened: list[Store] = []
    with own_sql_database(service_url(name), "model") as url:

        class Served(AtOnce):
            def others(self) -> list[Store]:
                opened.append(empty_store(url))
                return opened[-1:]

        run_state_machine_as_test(Served, settings=settings(Agreement.TestCase.settings, max_examples=12))
    assert len(opened) >= 12
