"""What is in the deployment over which pages about jobs are tried? Three trees, an hour that failed, and what it printed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from db.model import Chunk, Event, OutputPiece
from launcher.web.desk import WebDesk
from system.clock import ManualClock
from system.lifecycle import JobState, UowEvent, UowState
from system.timeperiod import HOURLY, parse
from tests.support.builders import NOW, job, outcome, session, turn, uow
from tests.support.mx import web_desk
from tests.support.stores import commit

CONTEXT = '''
from system.context import dependency_entry, freerun_context_entry, managed_context_entry, timetable_tree_entry

def entry(name, level, **more):
    return managed_context_entry(process_name=name, classname="work.work", token=name, time_qualifier=level, lag_s=0.0, deadline=3600.0,
                                 start="2024010100" if level != "_monthly" else "2024010000", **more)

process_context = [
    entry("flights_hourly", "_hourly", arguments={"url": "postgresql://me:pw@host/db", "api_key": "s3cr3t", "rows": 7}),
    entry("flights_daily", "_daily", blocking_type="blocking_children"),
    entry("delays_daily", "_daily", blocking_type="blocking_all"),
    entry("week", "_daily", depends_on=[dependency_entry("flights_daily", last=7)], in_order=True),
    freerun_context_entry("load", "night", "work.work", "load", "at 03:00"),
]
timetable_context = [
    timetable_tree_entry("flights", ["flights_hourly", "flights_daily"], mx_page="air", mx_name="Flights"),
    timetable_tree_entry("delays", ["delays_daily"], dependent_on=["flights"], mx_page="air"),
    timetable_tree_entry("week", ["week"]),
]
'''
HOUR, UOW = "2024010105", "flights_hourly/2024010105/1/1"


@contextmanager
def jobs_desk(folder: Path) -> Iterator[WebDesk]:
    """Open the dashboard's desk over it, at `NOW`."""
    (folder / "context.py").write_text(CONTEXT)
    (folder / "work.py").write_text("def work(work): ...")
    with web_desk(folder / "var", folder / "context.py", clock=ManualClock(NOW)) as opened:
        opened.asker.ask(lambda: furnish(opened))
        yield opened


def furnish(desk: WebDesk) -> None:
    """Five hours are processed; the sixth has failed once and runs again; a worker is there, and a scheduler leads."""
    store = desk.parts.store
    store.open_session(session("box-1-worker-7-abc", box="box-1"))
    done = [f"flights_hourly/202401010{hour}/1/1" for hour in range(5)]
    first = parse(HOURLY, "2024010100").ordinal
    number = HOURLY.chunk_of(first)
    begin = HOURLY.chunk_start(number)
    commit(store, turn(1, opened=[uow(name, opened_at=NOW - timedelta(minutes=61)) for name in [*done, UOW]]), [])
    for at, name in enumerate([*done, UOW]):
        (claimed,) = store.claim([name], "box-1-worker-7-abc", NOW - timedelta(minutes=60 - at))
        is_last = name == UOW
        store.finish([outcome(claimed, UowEvent.FAILED if is_last else UowEvent.DONE, at=NOW - timedelta(minutes=59 - at),
                              failures=1 if is_last else 0, rows=at)])  # fmt: skip
    jobs = [job(name.split("/")[1], JobState.PROCESSED, run=1, uow_state=UowState.PROCESSED, turn=2) for name in done]
    jobs.append(job(HOUR, run=1, uow_state=UowState.INVALID, failures=1, failing_since=NOW, reason="exit code 3", turn=2))
    states = bytes(first - begin) + bytes([JobState.PROCESSED] * 5 + [JobState.IN_PROGRESS])
    event = Event("flights_hourly", HOUR, 2, 0, NOW, "failed", "", f"{UOW}: exit code 3")
    commit(store, turn(2, jobs=jobs, events=[event]), [Chunk("flights_hourly", number, begin, states, 2)])
    store.append_output([OutputPiece(UOW, 1, 0, "one\n"), OutputPiece(UOW, 1, 4, "two\n")])
