"""Does an entry fire, run and come to its end through scheduler, broker, worker and slots, on the embedded pair?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from db.entries import Entry
from db.store import Store
from db.urls import open_store
from mq.urls import open_broker
from scheduler.policy import SchedulerSettings
from scheduler.service import SchedulerService
from system.clock import RealClock
from system.context import Context, FreerunProcess, freerun_context_entry
from tests.support.waiting import wait_until
from workers.policy import WorkerSettings
from workers.processes import ProcessSlots
from workers.service import WorkerService

CLOCK = RealClock()
JOBS = """
import json, pathlib

def load(work):
    work.arguments.get("mark")
    line = json.dumps([work.uow_id, work.timeperiod, work.start.isoformat(), dict(work.arguments), work.fence])
    with open(pathlib.Path(__file__).with_name("ran.txt"), "a") as file:
        file.write(line + "\\n")

def fail(work):
    raise ValueError("no luck")

def change(work):
    work.arguments["mark"] = "leaked"
"""


def entry(name: str, function: str = "load", schedule: str = "every 1", **fields: Any) -> FreerunProcess:
    return freerun_context_entry("load", name, f"loads.{function}", "load", schedule, **fields)


@contextmanager
def at_work(folder: Path, *entries: FreerunProcess) -> Iterator[Store]:
    """Run a scheduler and a worker with two real slots over `entries`; yields their store."""
    (folder / "loads.py").write_text(JOBS)
    context = Context(entries, {}, folder=str(folder))
    slots = ProcessSlots(2, user_folder=folder, output_folder=folder / "output", clock=CLOCK, mark="freerun")
    store = open_store(f"sqlite:///{folder}/horarium.db")
    store.prepare()
    broker = open_broker("embedded:", file=getattr(store, "file", None), var=folder)
    broker.prepare()
    scheduler = SchedulerService(store, broker, context, CLOCK, SchedulerSettings(sweep_s=0.2), "box-1")
    worker = WorkerService(store, broker, slots, context, CLOCK, WorkerSettings(beat_s=0.2, poll_s=0.2), "box-1")
    threads = [Thread(target=service.run) for service in (scheduler, worker)]
    for thread in threads:
        thread.start()
    try:
        yield store
    finally:
        worker.stop()
        scheduler.stop()
        for thread in threads:
            thread.join(20.0)
        slots.close()
        broker.close()
        store.close()
    assert not any(thread.is_alive() for thread in threads)


def found(store: Store, name: str) -> Entry | None:
    return next((entry for entry in store.entries() if entry.name == name), None)


def reach(store: Store, name: str, field: str, count: int) -> Entry:
    """Wait until an entry has counted so far."""
    wait_until(lambda: getattr(found(store, name), field, 0) >= count, what=f"{count} {field} of {name}")
    entry = found(store, name)
    assert entry is not None
    return entry


def lines(folder: Path) -> list[list[object]]:
    return [json.loads(line) for line in (folder / "ran.txt").read_text().splitlines()]


def test_an_entry_fires_every_second_and_each_fire_runs_once(tmp_path: Path) -> None:
    with at_work(tmp_path, entry("night", arguments={"mark": 1})) as store:
        reach(store, "night", "succeeded", 3)
    ran = lines(tmp_path)
    assert len({line[0] for line in ran}) == len(ran) >= 3
    assert ran[0][0] == f"load/night/{ran[0][1]}/1"
    assert ran[0][3:] == [{"mark": 1}, 1]


def test_fault_12_the_arguments_of_one_entry_never_reach_another(tmp_path: Path) -> None:
    shared = {"mark": "mine"}
    with at_work(tmp_path, entry("one", "change", arguments=shared, max_attempts=1), entry("other", arguments=shared)) as store:
        reach(store, "one", "failed", 1)
        reach(store, "other", "succeeded", 2)
    assert {json.dumps(line[3]) for line in lines(tmp_path)} == {'{"mark": "mine"}'}


def test_an_entry_that_fails_says_why_and_goes_on(tmp_path: Path) -> None:
    with at_work(tmp_path, entry("night", "fail", max_attempts=1)) as store:
        entry_after = reach(store, "night", "failed", 2)
    assert "no luck" in entry_after.last_reason
    assert entry_after.runs == () or entry_after.failed >= 2


@pytest.mark.parametrize("code", [0, 3])
def test_a_command_is_run_as_well(tmp_path: Path, code: int) -> None:
    argv = ("sh", "-c", f"exit {code}")
    command = freerun_context_entry("load", "night", token="load", trigger_frequency="every 1", argv=argv, max_attempts=1)
    with at_work(tmp_path, command) as store:
        reach(store, "night", "failed" if code else "succeeded", 1)
