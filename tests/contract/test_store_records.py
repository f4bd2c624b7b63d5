"""Do jobs, chunks, commands, output and registered processes come back as they were written, and are empty batches fine?"""

from __future__ import annotations

import json
from collections.abc import Sized
from typing import Any

import pytest

from db.contexts import ContextRow
from db.model import Answer, CommandState, Event, OutputPiece
from db.store import Store
from system.errors import NotFound
from system.lifecycle import JOB_FINISHED, JobState, UowState
from tests.support.builders import NOW, PERIOD, PROCESS, UOW_ID, chunk, command, job, process_row, session, turn, uow
from tests.support.stores import everything, open_and_claim, open_uows, race

ODD = "naïve ☕ 𝄞 \" ' \\ \n % $set a.b {0} \u2028"

# -- jobs and chunks


def test_active_jobs_are_those_that_are_not_finished(store: Store) -> None:
    made = [job(f"202401010{state.value}", state) for state in JobState]
    store.project(turn(1, jobs=made), [])
    active = sorted(store.active_jobs(), key=lambda found: found.state)
    assert active == [made_job for made_job in made if made_job.state not in JOB_FINISHED]


def test_a_job_leaves_and_comes_back_to_the_active_ones(store: Store) -> None:
    counts = []
    for number, state in enumerate((JobState.IN_PROGRESS, JobState.PROCESSED, JobState.EMBRYO, JobState.SKIPPED), 1):
        store.project(turn(number, jobs=[job(state=state, turn=number)]), [])
        counts.append(len(store.active_jobs()))
    assert counts == [1, 0, 1, 0]


def test_jobs_are_read_by_process_and_timeperiod(store: Store) -> None:
    made = [job("2024010101"), job("2024010102"), job("2024010101", process="other")]
    store.project(turn(1, jobs=made), [])
    assert store.jobs(PROCESS, ["2024010101", "2024010101", "2024010103"]) == made[:1]
    assert len(store.active_jobs()) == 3


def test_units_of_work_are_read_by_id_once_each(store: Store) -> None:
    open_uows(store, "a", "b")
    assert [found.id for found in store.uows(["b", "unknown", "b"])] == ["b"]


def test_any_number_of_records_may_be_asked_for_at_once(store: Store) -> None:
    many = [f"{PROCESS}/{number}/{ODD[0] * 900}" for number in range(20_000)]  # 18 MB: more than a message to MongoDB holds
    open_uows(store, "a", "b")
    assert sorted(found.id for found in store.uows(["a", *many, "b", "a"])) == ["a", "b"]
    made = [job("2024010101"), job("2024010102")]
    store.project(turn(2, jobs=made), [])
    assert sorted(store.jobs(PROCESS, ["2024010101", *many, "2024010102", "2024010101"]), key=lambda found: found.timeperiod) == made


def test_chunks_are_read_by_process_with_all_their_bytes(store: Store) -> None:
    wide = chunk(1, states=bytes(range(256)) * 3)
    store.project(turn(1), [wide, chunk(2, states=b""), chunk(3, process="other")])
    assert sorted(store.chunks([PROCESS, "unknown"]), key=lambda found: found.number) == [wide, chunk(2, states=b"")]
    assert len(list(store.chunks([PROCESS, "other", PROCESS]))) == 3


def test_words_in_a_job_come_back(store: Store) -> None:
    made = job(held=ODD, reason=ODD * 5000, failing_since=NOW, retry_at=NOW.replace(microsecond=1), uow_state=UowState.INVALID)
    store.project(turn(1, jobs=[made]), [])
    assert store.jobs(PROCESS, [PERIOD]) == store.active_jobs() == [made]


# -- commands


def test_a_command_keeps_what_else_its_verb_needs_to_know(store: Store) -> None:
    number = store.add_command(command("trigger", details='{"schedule":"every 5"}'))
    assert store.command(number).details == '{"schedule":"every 5"}'


def test_commands_are_numbered_from_one(store: Store) -> None:
    assert [store.add_command(command(verb)) for verb in ("reprocess", "skip", "hold")] == [1, 2, 3]
    assert [(c.number, c.verb) for c in store.open_commands(10)] == [(1, "reprocess"), (2, "skip"), (3, "hold")]


def test_a_command_comes_back_as_it_was_given(store: Store) -> None:
    number = store.add_command(command(who=ODD, why=ODD * 1000, timeperiod=""))
    assert store.command(number) == command(who=ODD, why=ODD * 1000, timeperiod="", number=number)


def test_the_store_gives_the_number_whatever_the_command_says(store: Store) -> None:
    assert store.add_command(command(number=77)) == 1
    assert store.command(1).number == 1


def test_commands_given_at_once_have_numbers_of_their_own(store: Store) -> None:
    given = race(8, lambda n: [store.add_command(command(who=f"user-{n}")) for _ in range(5)])
    assert sorted(number for mine in given for number in mine) == list(range(1, 41))
    assert all(store.command(number).who == f"user-{n}" for n, mine in enumerate(given) for number in mine)


def test_open_commands_come_by_number_up_to_the_limit_without_answered_ones(store: Store) -> None:
    for _ in range(12):
        store.add_command(command())
    store.project(turn(1, answers=[Answer(n, CommandState.REFUSED, "no") for n in (1, 3)]), [])
    assert [found.number for found in store.open_commands(3)] == [2, 4, 5]
    assert store.open_commands(0) == []


def test_a_command_that_was_answered_before_it_was_stored_stays_so(store: Store) -> None:
    number = store.add_command(command("queue purge", state=CommandState.DONE, answer="dropped 3 messages"))
    assert store.command(number) == command("queue purge", state=CommandState.DONE, answer="dropped 3 messages", number=number)
    assert store.open_commands(9) == []


def test_numbers_go_on_after_an_answer(store: Store) -> None:
    store.project(turn(1, answers=[Answer(store.add_command(command()), CommandState.DONE, "ok")]), [])
    assert store.add_command(command()) == 2


def test_an_unknown_command_is_not_found(store: Store) -> None:
    store.add_command(command())
    with pytest.raises(NotFound, match="99"):
        store.command(99)


# -- events


def event(number: int = 1, place: int = 0, **fields: object) -> Event:
    """Return an event of a turn."""
    made: dict[str, Any] = {"at": NOW, "kind": "hold", "who": "ann", "text": ODD, **fields}
    return Event(PROCESS, PERIOD, number, place, **made)


def test_events_of_a_job_come_latest_first_up_to_the_limit(store: Store) -> None:
    store.project(turn(1, events=[event(1, 0), event(1, 1)]), [])
    store.project(turn(10, events=[event(10), event(2, 9, at=NOW.replace(hour=3))]), [])
    assert store.events(PROCESS, PERIOD, 10) == [event(10), event(2, 9, at=NOW.replace(hour=3)), event(1, 1), event(1, 0)]
    assert store.events(PROCESS, PERIOD, 1) == [event(10)]
    assert store.events(PROCESS, PERIOD, 0) == store.events("other", PERIOD, 9) == store.events(PROCESS, "2024", 9) == []


def test_an_event_stays_as_it_was_first_told(store: Store) -> None:
    for text in ("first", "second"):
        store.project(turn(1, events=[event(text=text)]), [])
    assert store.events(PROCESS, PERIOD, 10) == [event(text="first")]


def test_the_units_of_work_of_one_job_come_last_opened_first(store: Store) -> None:
    names = {n: f"{PROCESS}/{PERIOD}/1/{n}" for n in (1, 2, 10)}
    for n, name in names.items():
        open_uows(store, name, number=n, opened_at=NOW.replace(minute=n))
    open_uows(store, f"{PROCESS}/{PERIOD}0/1/1", f"{PROCESS}/2024010104/1/1", f"{PROCESS}x/{PERIOD}/1/1")
    assert [found.id for found in store.uows_of(PROCESS, PERIOD, 9)] == [names[10], names[2], names[1]]
    assert [found.id for found in store.uows_of(PROCESS, PERIOD, 1)] == [names[10]]
    assert store.uows_of(PROCESS, PERIOD, 0) == store.uows_of("", "", 9) == []


def test_the_units_of_work_of_an_entry_come_latest_fire_first(store: Store) -> None:
    fires = ("20261121030000", "20261121030000123", "20261121040000")
    names = [f"load/night/{fire}/1" for fire in fires]
    open_uows(store, names[1], names[2], names[0], "load/nights/20261121030000/1", "load/nigh/20261121030000/1")
    assert [found.id for found in store.fires("load", "night", 9)] == names[::-1]
    assert [found.id for found in store.fires("load", "night", 2)] == [names[2], names[1]]
    assert store.fires("load", "night", 0) == store.fires("load", "day", 9) == []


# -- output


def piece(offset: int, text: str = "words", fence: int = 1, uow_id: str = UOW_ID) -> OutputPiece:
    """Return a piece of output."""
    return OutputPiece(uow_id, fence, offset, text)


def test_output_comes_by_fence_then_offset(store: Store) -> None:
    pieces = [piece(0, "a"), piece(9, "b"), piece(10, "c"), piece(0, "d", fence=2), piece(0, "e", fence=10)]
    store.append_output(pieces[3:])
    store.append_output(pieces[2::-1])
    assert store.output(UOW_ID) == pieces


def test_a_piece_replaces_the_one_at_its_place(store: Store) -> None:
    store.append_output([piece(0, "half"), piece(4, "next")])
    store.append_output([piece(0, "whole"), piece(4, "first"), piece(4, "last")])
    assert store.output(UOW_ID) == [piece(0, "whole"), piece(4, "last")]


def test_output_is_kept_by_unit_of_work(store: Store) -> None:
    store.append_output([piece(0), piece(0, ODD * 1000, uow_id="other"), piece(7, "", uow_id="other")])
    assert store.output("other") == [piece(0, ODD * 1000, uow_id="other"), piece(7, "", uow_id="other")]
    assert store.output("unknown") == []


def test_half_a_surrogate_pair_does_not_stop_output(store: Store) -> None:
    store.append_output([piece(0, "caf\udce9")])
    assert [found.text[:3] for found in store.output(UOW_ID)] == ["caf"]


# -- registered processes


def test_a_turn_tells_which_context_leads_on_which_box(store: Store) -> None:
    rows = [ContextRow("aa", "box-1", NOW, 1), ContextRow("aa", "box-2", NOW, 1), ContextRow("bb", "box-1", NOW, 1)]
    store.project(turn(1, contexts=rows), [])
    assert sorted(store.contexts(), key=lambda row: row.key) == rows


def test_a_context_that_leads_again_is_written_where_the_turn_is_newer(store: Store) -> None:
    for number in (2, 3, 1):
        store.project(turn(number, contexts=[ContextRow("aa", "box-1", NOW, number)]), [])
    assert [row.turn for row in store.contexts()] == [3]


def test_a_turn_registers_processes(store: Store) -> None:
    rows = [process_row("another", turn=1), process_row(shape=json.dumps({"odd": ODD}), turn=1, retired_at=NOW, reopen="a..b c..d")]
    store.project(turn(1, registered=rows), [])
    assert store.processes() == rows


def test_a_later_turn_changes_what_is_registered_and_an_older_one_does_not(store: Store) -> None:
    store.project(turn(2, registered=[process_row(start="2024010200", turn=2)]), [])
    for number in (1, 2, 3):
        store.project(turn(number, registered=[process_row(start=f"202401030{number}", turn=number)]), [])
        assert [row.start for row in store.processes()] == ["2024010303" if number == 3 else "2024010200"]


def test_a_process_of_the_first_version_is_older_than_any_turn(store: Store) -> None:
    store.project(turn(1, registered=[process_row(turn=0)]), [])
    store.project(turn(1, registered=[process_row(start="2030010100", turn=1)]), [])
    assert store.processes() == [process_row(start="2030010100", turn=1)]


# -- empty batches


def test_empty_batches_are_fine_for_every_verb(store: Store) -> None:
    store.project(turn(1), [])
    store.close_sessions([])
    store.append_output([])
    answers: list[Sized] = [store.jobs(PROCESS, []), store.uows([]), store.claim([], "worker-1", NOW), list(store.chunks([]))]
    answers += [store.give_back([]), store.finish([]), store.expire_sessions({})]
    assert not any(answers)


def test_an_empty_store_answers_every_read(store: Store) -> None:
    answers = everything(store, periods=[PERIOD], ids=[UOW_ID])
    assert answers.pop("projected") == 0
    assert [answers.pop(name) for name in ("output", "events", "of_job")] == [[[]], [[]], [[]]]
    assert not any(answers.values())


def test_eight_threads_may_do_everything_at_once(store: Store) -> None:
    def work(number: int) -> bool:
        name = f"worker-{number}"
        store.open_session(session(name))
        claimed = open_and_claim(store, f"{PROCESS}/{number:010}/1/1", name)
        store.project(turn(number + 1, jobs=[job(f"{number:010}", turn=number + 1)]), [chunk(number, turn=number + 1)])
        return store.beat(name, {}).is_open and store.give_back([claimed]) == [claimed.id]

    assert all(race(8, work))
    assert (len(store.sessions()), len(store.active_jobs()), len(list(store.chunks([PROCESS])))) == (8, 8, 8)


def test_five_thousand_names_are_asked_for_at_once(store: Store) -> None:
    names = [f"{n:010}" for n in range(5000)]
    open_uows(store, "2024", names[7])
    store.project(turn(2, jobs=[job(names[3])], opened=[uow("x")]), [])
    assert [found.id for found in store.uows(names)] == [names[7]]
    assert store.jobs(PROCESS, names) == [job(names[3])]
    assert list(store.chunks(names)) == []
