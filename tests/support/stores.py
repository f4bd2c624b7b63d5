"""Which steps do the tests of the stores share? Opening, claiming, racing, and reading all there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, TypeVar

from db.model import Chunk, Turn, UnitOfWork
from db.store import Store
from tests.support.builders import NOW, PROCESS, UOW_ID, turn, uow

T = TypeVar("T")
PATIENCE_S = 30.0


def commit(store: Store, made: Turn, chunks: Sequence[Chunk] = ()) -> None:
    """Insert a turn and project it, as a leader does."""
    assert store.insert_turn(made), f"turn {made.number} is taken"
    store.project(made, chunks)


def open_uows(store: Store, *ids: str, number: int = 1, **fields: Any) -> None:
    """Open units of work, requested unless `fields` say otherwise."""
    store.project(turn(number, opened=[uow(uow_id, turn=number, **fields) for uow_id in ids]), [])


def read_uow(store: Store, uow_id: str = UOW_ID) -> UnitOfWork:
    """Return the one unit of work that must be there."""
    (found,) = store.uows([uow_id])
    return found


def claim_one(store: Store, uow_id: str = UOW_ID, session: str = "worker-1") -> UnitOfWork:
    """Claim what must be there to be claimed."""
    (claimed,) = store.claim([uow_id], session, NOW)
    return claimed


def open_and_claim(store: Store, uow_id: str = UOW_ID, session: str = "worker-1") -> UnitOfWork:
    """Open a unit of work and claim it."""
    open_uows(store, uow_id)
    return claim_one(store, uow_id, session)


def race(count: int, work: Callable[[int], T]) -> list[T]:
    """Call `work(0)` to `work(count - 1)` in as many threads, all started at one moment; returns what they returned, in order."""
    start = Barrier(count)

    def run(number: int) -> T:
        start.wait(PATIENCE_S)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count), timeout=PATIENCE_S))


def everything(store: Store, *, periods: Sequence[str] = (), ids: Sequence[str] = (), process: str = PROCESS) -> dict[str, Any]:
    """Return the answers of all reads, in an order of their own, to be compared."""
    return {
        "turns": store.turns_after(0, 1000),
        "projected": store.projected_turn(),
        "active": sorted(store.active_jobs(), key=lambda job: job.uow_id),
        "jobs": sorted(store.jobs(process, periods), key=lambda job: job.uow_id),
        "chunks": sorted(store.chunks([process]), key=lambda chunk: chunk.number),
        "events": [store.events(process, period, 1000) for period in periods],
        "of_job": [sorted(store.uows_of(process, period, 1000), key=lambda found: found.id) for period in periods],
        "uows": sorted(store.uows(ids), key=lambda found: found.id),
        "sessions": sorted(store.sessions(), key=lambda session: session.id),
        "commands": store.open_commands(1000),
        "entries": sorted(store.entries(), key=lambda entry: entry.key),
        "output": [store.output(uow_id) for uow_id in ids],
        "processes": store.processes(),
        "contexts": sorted(store.contexts(), key=lambda row: row.key),
        "switches": sorted(store.switches(), key=lambda switch: switch.process),
    }
