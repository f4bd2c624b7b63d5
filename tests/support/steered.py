"""A small deployment to look at: three processes, two freerun entries, a box with a supervisor; for tests of the dashboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from db.entries import Entry, Run
from db.model import Command, Job, Outcome, OutputPiece, Session, UnitOfWork
from db.model_boxes import BoxChild, BoxReport, BoxWish
from db.store import Store
from launcher.web.desk import WebDesk
from mq.broker import Message
from system.clock import ManualClock
from system.context import DEAD_QUEUE
from system.errors import NotFound, Unavailable
from system.lifecycle import JobState, UowEvent, UowState
from tests.support.builders import turn
from tests.support.mx import web_desk
from tests.support.stores import commit

T = TypeVar("T")
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
HOUR = "2026112100"
FIRE = "20261121020000"
SECRET = "hunter2"

CONTEXT = """
from system.context import freerun_context_entry, managed_context_entry, timetable_tree_entry

def entry(name, qualifier, **fields):
    return managed_context_entry(name, "jobs.work.do", name.partition("_")[0], qualifier, **fields)

process_context = [
    entry("sales_hourly", "_hourly", start="2026112000", description="Sales of an hour"),
    entry("sales_daily", "_daily", start="2026112000", trigger_frequency="at 04:30"),
    entry("stock_daily", "_daily", start="2026112000", is_on=False),
    freerun_context_entry(
        "load", "night", "jobs.work.do", "load", "at 02:00", arguments={"url": "https://a:PASSWORD@b/", "api_key": "PASSWORD"}
    ),
    freerun_context_entry("load", "often", "jobs.work.do", "load", "every 60", overlap="queue 3"),
]
timetable_context = [
    timetable_tree_entry("sales", ["sales_hourly", "sales_daily"]),
    timetable_tree_entry("stock", ["stock_daily"]),
]
""".replace("PASSWORD", SECRET)


def write_context(folder: Path, text: str = CONTEXT) -> Path:
    """Write the context and the job that it names; returns its path."""
    (folder / "jobs").mkdir(parents=True, exist_ok=True)
    (folder / "jobs" / "__init__.py").touch()
    (folder / "jobs" / "work.py").write_text("def do(work):\n    return 1\n")
    path = folder / "context.py"
    path.write_text(text)
    return path


def furnish(store: Store) -> None:
    """Have an hour running, another requested, a fire that ended well and one that is held; a worker and a supervisor."""
    store.open_session(Session("b1-worker-7-0a", "worker", "b1", 7, 1.0, NOW, slots=2, queues=("queue_sales_hourly",)))
    facts = {"beat_at": (NOW - timedelta(seconds=2)).isoformat(), "cpu": "0.01", "memory_bytes": "50000000"}
    store.open_session(Session("b1-supervisor-6-0b", "supervisor", "b1", 6, 1.0, NOW, facts=facts))
    crashing = BoxChild("worker.2", 0, deaths=5, is_crash_loop=True, trouble="worker.2 died 5 times")
    store.put_box_reports([
        BoxReport("b1", "scheduler", 1, NOW, "b1-supervisor-6-0b", (BoxChild("scheduler", 8, 1.0, 0.2, 90_000_000),)),
        BoxReport("b1", "worker", 2, NOW, "b1-supervisor-6-0b",
                  (BoxChild("worker.1", 7, 1.0, 0.5, 80_000_000), crashing)),
        BoxReport("b2", "worker", 1, NOW - timedelta(hours=1), "b2-supervisor-1-0c", (BoxChild("worker.1", 9, 1.0),)),
    ])  # fmt: skip
    store.put_box_wishes([BoxWish("b1", "mx", is_on=False, who="ann", why="<b>later</b>", given_at=NOW)])
    jobs = [
        Job("sales_hourly", HOUR[:-1] + n, JobState.IN_PROGRESS, NOW, 1, run=1, uow_state=UowState.REQUESTED, opened_turn=1) for n in "01"
    ]
    uows = [_uow(job.uow_id, job.process, job.timeperiod, "queue_sales_hourly") for job in jobs]
    held = Run("20261121023000", UowState.INVALID, NOW, failures=3, failing_since=NOW, held="it failed 3 times", reason="no disk")
    night = Entry("load", "night", 1, NOW, fired=2, succeeded=1, last_fire=FIRE, last_end="state_processed", ended_at=NOW, runs=(held,))
    fires = [_uow(f"load/night/{fire}/1", "load", fire, "queue_load") for fire in (FIRE, held.fire)]
    commit(store, turn(1, session="b1-scheduler-8-0d", decided_at=NOW, jobs=jobs, opened=[*uows, *fires], entries=[night]))
    claimed = {uow.id: uow for uow in store.claim([uows[0].id, fires[0].id], "b1-worker-7-0a", NOW)}
    done = claimed[fires[0].id]
    store.finish([Outcome(done.id, done.session, done.fence, UowEvent.DONE, NOW + timedelta(seconds=3), rows=5)])
    store.append_output([OutputPiece(done.id, 1, 0, f"loaded <b>5</b> rows from https://a:{SECRET}@b/\n")])


def _uow(uow_id: str, process: str, timeperiod: str, queue: str) -> UnitOfWork:
    return UnitOfWork(uow_id, process, timeperiod, queue, timeperiod, timeperiod, opened_at=NOW, turn=1)


@contextmanager
def steered(folder: Path, *, is_furnished: bool = True, text: str = CONTEXT, **settings: str) -> Iterator[WebDesk]:
    """Open the dashboard's desk over that deployment, on box b1."""
    context = write_context(folder / "project", text)
    with web_desk(folder / "var", context, clock=ManualClock(NOW), box="b1", **settings) as desk:
        if is_furnished:
            within(desk, lambda: furnish(desk.parts.store))
        yield desk


def within(desk: WebDesk, ask: Callable[[], T]) -> T:
    """Return what a function returns when the asking thread calls it; store and broker are that thread's alone."""
    return desk.asker.ask(ask)


def give_up_on(desk: WebDesk, bodies: Sequence[str]) -> None:
    """Have the broker give up on messages."""
    broker = within(desk, lambda: desk.parts.joined.broker)
    broker.declare([DEAD_QUEUE, "queue_sales_hourly", "queue_sales_hourly_backfill"])
    broker.publish([Message(DEAD_QUEUE, body) for body in bodies])


def commands_of(desk: WebDesk) -> list[Command]:
    """Return all commands that were stored, by number."""

    def read() -> list[Command]:
        found: list[Command] = []
        with suppress(NotFound):
            while True:
                found.append(desk.parts.store.command(len(found) + 1))
        return found

    return within(desk, read)


def away_after(count: int, call: Callable[[Command], int]) -> Callable[[Command], int]:
    """Return what carries `call` out so often, and finds the store away then."""
    left = iter(range(count))

    def called(command: Command) -> int:
        if next(left, None) is None:
            raise Unavailable("the store is away")
        return call(command)

    return called
