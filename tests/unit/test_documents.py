"""Does every record survive being written down, and does a damaged text say what it is?"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.contexts import ContextRow, context_row, row_context
from db.documents import (
    JOB_COLUMNS,
    UOW_COLUMNS,
    chunk_row,
    command_row,
    decode_turn,
    encode_turn,
    event_row,
    facts_text,
    job_row,
    outcome_row,
    piece_row,
    process_row,
    row_chunk,
    row_command,
    row_event,
    row_job,
    row_piece,
    row_process,
    row_session,
    row_switch,
    row_uow,
    session_row,
    switch_row,
    uow_row,
)
from db.entries import Entry, Run, entry_of, entry_values
from db.model import (
    Answer,
    Cancel,
    Chunk,
    Command,
    CommandState,
    Event,
    Job,
    OutputPiece,
    ProcessRow,
    Session,
    Switch,
    Turn,
    UnitOfWork,
    UowMove,
    Widening,
)
from db.storable import storable
from system.errors import IllegalTransition, SchemaError, StoreError
from system.lifecycle import JobEvent, JobState, UowEvent, UowState
from tests.support import builders
from tests.support.builders import NOW, UOW_ID, job, outcome, session, turn, uow

# Written by version 1. A later version may write otherwise, and must go on reading this.
VERSION_1 = (
    '[1,7,"scheduler-1","2024-01-01T12:30:00+00:00",'
    '[["flights_hourly","2024010105",1,"2024-01-01T12:30:00+00:00",1,1,0,0,"state_invalid",0,0,0,null,null,"","","REOPENED"]],'
    '[["a","flights_hourly","2024010105","queue_flights_hourly","2024010105","2024010105","2024-01-01T12:30:00+00:00",1,'
    '"state_requested",0,"",0,0,false,null,"",null,null]],'
    '[["b","state_in_progress","LOST",3,2,"caf\\u00e9"]],[["c","skip"]],["worker-1"],[[4,"done","ok"]]]'
)
VERSION_2 = (
    '[2,7,"scheduler-1","2024-01-01T12:30:00+00:00",'
    '[["flights_hourly","2024010105",1,"2024-01-01T12:30:00+00:00",1,1,0,0,"state_invalid",0,0,0,null,null,"","","REOPENED",null,0,""]],'
    '[["a","flights_hourly","2024010105","queue_flights_hourly","2024010105","2024010105","2024-01-01T12:30:00+00:00",1,'
    '"state_requested",0,"",0,0,false,null,"",null,null,"","",""]],'
    '[["b","state_in_progress","LOST",3,2,"caf\\u00e9"]],[["c","skip"]],["worker-1"],[[4,"done","ok"]],{}]'
)
TURN_1 = turn(
    7,
    jobs=[job(uow_state=UowState.INVALID, next_event=JobEvent.REOPENED)],
    opened=[uow("a")],
    moves=[UowMove("b", UowState.IN_PROGRESS, UowEvent.LOST, 3, 2, "café")],
    cancels=[Cancel("c", "skip")],
    lost=["worker-1"],
    answers=[Answer(4, CommandState.DONE, "ok")],
)

moments = st.datetimes().map(lambda moment: moment.replace(tzinfo=UTC))
# Any text that a driver takes: no halves of surrogate pairs.
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
numbers = st.integers(0, 2**62)


def records(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for any record of a kind; each field by its type."""
    return st.builds(kind, **{field.name: _value(str(field.type)) for field in fields(kind)})


def _value(annotation: str) -> st.SearchStrategy[Any]:
    if annotation.endswith(" | None"):
        return st.none() | _value(annotation.removesuffix(" | None"))
    if annotation.startswith("tuple["):
        return st.lists(_value(annotation[6:-6]), max_size=2).map(tuple)
    return BY_TYPE[annotation]


BY_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "str": words,
    "int": numbers,
    "float": st.floats(allow_nan=False),
    "bool": st.booleans(),
    "bytes": st.binary(max_size=50),
    "datetime": moments,
    "Mapping[str, str]": st.dictionaries(words, words, max_size=3),
    "JobState": st.sampled_from(JobState),
    "JobEvent": st.sampled_from(JobEvent),
    "UowState": st.sampled_from(UowState),
    "UowEvent": st.sampled_from(UowEvent),
    "CommandState": st.sampled_from(CommandState),
}
BY_TYPE |= {kind.__name__: records(kind) for kind in (Job, UnitOfWork, UowMove, Cancel, Widening, Answer, Event, Switch, Run, ProcessRow)}
BY_TYPE |= {"ContextRow": records(ContextRow)}
BY_TYPE |= {"Entry": records(Entry)}

ROWS: list[tuple[type[Any], Callable[[Any], dict[str, Any]], Callable[[Any], Any]]] = [
    (Job, job_row, row_job),
    (UnitOfWork, uow_row, row_uow),
    (Command, command_row, row_command),
    (Session, session_row, row_session),
    (Chunk, chunk_row, row_chunk),
    (OutputPiece, piece_row, row_piece),
    (Event, event_row, row_event),
    (ProcessRow, process_row, row_process),
    (Switch, switch_row, row_switch),
    (ContextRow, context_row, row_context),
]
READERS = [(builders.job, job_row, row_job), (builders.uow, uow_row, row_uow), (builders.session, session_row, row_session)]


# -- turns


@given(records(Turn))
def test_any_turn_is_read_as_it_was_written(made: Turn) -> None:
    assert decode_turn(encode_turn(made)) == made


def test_the_text_of_a_turn_is_one_line_of_ascii() -> None:
    text = encode_turn(turn(1, session="naïve ☕\n"))
    assert text.isascii()
    assert "\n" not in text


def test_version_2_is_written_as_ever() -> None:
    assert encode_turn(TURN_1) == VERSION_2


def test_version_1_is_read_for_ever() -> None:
    assert decode_turn(VERSION_1) == TURN_1


def test_version_2_is_read_for_ever() -> None:
    assert decode_turn(VERSION_2) == TURN_1


def test_a_turn_with_half_a_surrogate_pair_can_be_stored() -> None:
    made = turn(1, jobs=[job(reason="caf\udce9")])
    assert decode_turn(encode_turn(made)) == made
    assert encode_turn(made).encode()


def test_a_moment_of_another_zone_is_the_same_moment() -> None:
    local = NOW.astimezone(timezone(timedelta(hours=2)))
    assert decode_turn(encode_turn(turn(1, decided_at=local))).decided_at == NOW


@pytest.mark.parametrize(
    "made",
    [
        turn(1, decided_at=NOW.replace(tzinfo=None)),
        turn(1, jobs=[job(changed_at=NOW.replace(tzinfo=None))]),
        turn(1, opened=[uow(started_at=NOW.replace(tzinfo=None))]),
    ],
)
def test_a_moment_without_a_zone_is_refused(made: Turn) -> None:
    with pytest.raises(StoreError, match="time zone"):
        encode_turn(made)


@pytest.mark.parametrize("cut", range(0, len(VERSION_2), 7))
def test_a_text_that_was_cut_off_is_damaged(cut: int) -> None:
    with pytest.raises(StoreError, match=r"turn.*damaged"):
        decode_turn(VERSION_2[:cut])


@pytest.mark.parametrize(
    ("found", "made"),
    [
        ('"LOST"', '"FOUND"'),
        ('"state_invalid"', '"state_odd"'),
        ("[4,", "[4,4,"),
        ('"2024-01-01T12:30:00+00:00"', '"2024-01-01T12:30:00"'),
        ('"2024-01-01T12:30:00+00:00"', "17"),
        ('["worker-1"]', "null"),
        ('"2024010105",1,', '"2024010105",9,'),
    ],
)
def test_a_text_with_an_unknown_word_or_shape_is_damaged(found: str, made: str) -> None:
    with pytest.raises(StoreError, match=r"turn.*damaged"):
        decode_turn(VERSION_2.replace(found, made, 1))


@pytest.mark.parametrize("text", ["", "{}", "[]", "1", "null", "[null]", '["1"]', "[0]", "[1]", "[" * 5000])
def test_a_text_of_another_kind_is_damaged(text: str) -> None:
    with pytest.raises(StoreError, match=r"turn.*damaged") as caught:
        decode_turn(text)
    assert not isinstance(caught.value, SchemaError)


def test_a_text_of_a_newer_version_is_refused_as_newer() -> None:
    with pytest.raises(SchemaError, match=r"version 3.*newer Horarium"):
        decode_turn(VERSION_2.replace("[2,", "[3,", 1))


# -- rows


@pytest.mark.parametrize(("kind", "to_row", "from_row"), ROWS, ids=lambda x: getattr(x, "__name__", ""))
def test_any_record_is_read_from_its_row_as_it_was_written(kind: type[Any], to_row: Any, from_row: Any) -> None:
    @given(records(kind))
    def check(made: Any) -> None:
        row = to_row(made)
        assert list(row) == [field.name for field in fields(kind)]
        assert from_row({**row, "extra": 1}) == made
        assert {type(value) for value in row.values()} <= {int, float, bool, str, bytes, type(None)}

    check()


def test_the_columns_are_named_for_the_backends() -> None:
    assert tuple(job_row(job())) == JOB_COLUMNS
    assert tuple(uow_row(uow())) == UOW_COLUMNS


def test_states_and_events_are_stored_by_value_and_by_name() -> None:
    row = job_row(job(state=JobState.PROCESSED, uow_state=UowState.NOOP, next_event=JobEvent.SKIPPED))
    assert (row["state"], row["uow_state"], row["next_event"]) == (3, "state_noop", "SKIPPED")


@pytest.mark.parametrize(("build", "to_row", "from_row"), READERS)
def test_a_row_without_a_column_is_damaged(build: Any, to_row: Any, from_row: Any) -> None:
    row = to_row(build())
    row.popitem()
    with pytest.raises(StoreError, match=r"record of a (job|unit of work|session) is damaged"):
        from_row(row)


@pytest.mark.parametrize("wrong", [{"state": 99}, {"changed_at": "yesterday"}, {"changed_at": None}, {"next_event": "ODD"}])
def test_a_row_with_an_impossible_value_is_damaged(wrong: dict[str, object]) -> None:
    with pytest.raises(StoreError, match=r"job is damaged.*flights_hourly"):
        row_job({**job_row(job()), **wrong})


@pytest.mark.parametrize("wrong", ["states", 5, None])
def test_a_chunk_whose_states_are_no_bytes_is_damaged(wrong: object) -> None:
    with pytest.raises(StoreError, match="chunk is damaged"):
        row_chunk({**chunk_row(builders.chunk()), "states": wrong})


def test_a_chunk_may_come_as_another_kind_of_buffer() -> None:
    row = chunk_row(builders.chunk())
    assert row_chunk({**row, "states": memoryview(row["states"])}) == builders.chunk()


def test_a_number_serves_as_a_flag() -> None:
    assert row_uow({**uow_row(uow()), "cancel_requested": 1}).cancel_requested is True


def test_facts_and_queues_are_texts() -> None:
    row = session_row(session(facts={"a.b": "$c"}))
    assert (json.loads(row["queues"]), row["facts"]) == (["queue_flights_hourly"], facts_text({"a.b": "$c"}))


# -- outcomes and words


def test_an_outcome_sets_these_columns_of_its_unit_of_work() -> None:
    ended = outcome(uow(), UowEvent.FAILED, failures=2, rows=3, reason="boom")
    expected = {"state": "state_invalid", "failures": 2, "rows": 3, "reason": "boom", "finished_at": NOW.isoformat()}
    assert outcome_row(ended) == expected
    assert expected.keys() <= set(UOW_COLUMNS)


@pytest.mark.parametrize("event", [UowEvent.CLAIMED, UowEvent.RETRIED, UowEvent.GIVEN_UP])
def test_an_event_that_does_not_end_an_attempt_is_no_outcome(event: UowEvent) -> None:
    with pytest.raises(IllegalTransition):
        outcome_row(outcome(uow(), event))


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_words_that_can_be_stored_stay(text: str) -> None:
    assert storable(text) == text


def test_a_nul_becomes_a_question_mark() -> None:
    assert storable("a\0b") == "a?b"
    assert piece_row(OutputPiece(UOW_ID, 1, 0, "caf\0 ☕"))["text"] == "caf? ☕"


def test_half_a_surrogate_pair_becomes_a_question_mark() -> None:
    assert storable("caf\udce9 ☕") == "caf? ☕"
    assert command_row(builders.command(why="caf\udce9"))["why"] == "caf?"
    assert piece_row(OutputPiece(UOW_ID, 1, 0, "\ud83d"))["text"] == "?"


def test_an_entry_of_a_version_that_knew_less_of_it_is_read() -> None:
    entry = Entry("load", "night", turn=1, since=NOW, triggered="x")
    assert entry_of(entry_values(entry)[:-1]) == entry
    with pytest.raises(ValueError, match="unpack"):
        entry_of(entry_values(entry)[:-2])
