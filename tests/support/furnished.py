"""What is in a store in which everything has happened? Every kind of records, most of it by the verbs that write it in life."""

from __future__ import annotations

from datetime import timedelta

from db.contexts import ContextRow
from db.model import Answer, Cancel, CommandState, Event, OutputPiece
from db.model_boxes import BoxChild, BoxReport, BoxWish
from db.model_papers import Paper
from db.moving import KINDS, Record
from db.store import Store
from system.lifecycle import JobState, UowEvent, UowState
from tests.support.builders import NOW, PROCESS, chunk, command, entry, job, outcome, process_row, session, switch, turn, uow
from tests.support.stores import commit

DONE, RUNNING, ENDING, WAITING = (f"{PROCESS}/202401010{hour}/1/1" for hour in range(4))


def furnish(store: Store) -> None:
    """Fill an empty store."""
    store.open_session(session("worker-1", facts={"running": "1"}))
    store.open_session(session("worker-2"))
    for verb in ("reprocess", "skip", "hold"):
        store.add_command(command(verb, why="späte Daten"))
    opened = [uow(name, arguments='{"a":1}', slice="[1,2]") for name in (DONE, RUNNING, ENDING, WAITING)]
    jobs = [job(f"202401010{hour}", run=1, failing_since=NOW if hour else None) for hour in range(4)]
    first = turn(1, opened=opened, jobs=jobs, registered=[process_row()], entries=[entry(), entry("day")],
                 switches=[switch()], contexts=[ContextRow("aa", "box-1", NOW, 1)], answers=[Answer(1, CommandState.DONE, "done")],
                 events=[Event(PROCESS, "2024010101", 1, 0, NOW, "hold", "ann")])  # fmt: skip
    commit(store, first, [chunk(), chunk(24289)])
    claimed = {found.id: found for found in store.claim([DONE, RUNNING, ENDING], "worker-1", NOW)}
    store.finish([outcome(claimed[DONE], UowEvent.DONE, rows=7)])
    finished = job("2024010100", JobState.PROCESSED, turn=2, run=1, uow_state=UowState.PROCESSED)
    commit(store, turn(2, jobs=[finished], cancels=[Cancel(ENDING, "by ann")], lost=["worker-2"]))
    store.append_output([OutputPiece(DONE, 1, 0, "words\n"), OutputPiece(DONE, 1, 6, "more"), OutputPiece(RUNNING, 1, 0, "ü")])
    store.put_box_wishes([BoxWish("box-1", "worker", is_on=False, instances=3, who="ann", why="too many", given_at=NOW)])
    store.put_box_reports([BoxReport("box-1", "worker", 2, NOW, "s", (BoxChild("worker.1", 7, 1.5, 0.2, 99),))])
    store.put_paper(Paper("user", "ann", 1, '{"role":"admin"}'))
    store.put_paper(Paper("login", "0a", 1, "späte", NOW))
    gone = job("2023010100", JobState.PROCESSED, generation=3, fence=9, changed_at=NOW - timedelta(days=300))
    commit(store, turn(3, jobs=[gone]))
    store.remove_jobs(store.jobs(PROCESS, ["2023010100"]))
    store.remove_turns(1)


def all_of(store: Store, kind: str, at_once: int = 1000) -> list[Record]:
    """Return all records of a kind, got in pages."""
    found, after = [], ""
    while True:
        page = store.records(kind, after, at_once)
        found += page.found
        after = page.next
        if not after:
            return found


def written(store: Store) -> dict[str, list[str]]:
    """Return everything that a store holds, as texts in an order of their own."""
    return {kind: sorted(KINDS[kind].text(record) for record in all_of(store, kind)) for kind in KINDS}
