"""How does a store of the dashboard's tests get some history? A scheduler and a worker do a few hours of it, by hand."""

from __future__ import annotations

from collections.abc import Sequence

from db.model import Outcome, Session
from db.store import Store
from launcher.parts import open_parts, scheduler_settings
from launcher.web.desk import WebDesk
from mq.broker import Message
from scheduler.engine import Engine
from system.context import REPORT_QUEUE
from system.lanes import managed_queues
from system.lifecycle import JobState, UowEvent
from tests.support.waiting import wait_until

HOURS = 3


def worked(desk: WebDesk, hours: int = HOURS, process: str = "flights_hourly") -> None:
    """Have the first hours of a process of the flights processed; the session of the scheduler stays open."""
    roof = desk.parts.roof
    now = roof.clock.now()
    with open_parts(roof.settings) as parts:
        parts.broker.declare([REPORT_QUEUE, *managed_queues(roof.context)])
        for name, kind in (("scheduler-1", "scheduler"), ("worker-1", "worker")):
            parts.store.open_session(Session(name, kind, "box-1", 1, 0.0, now, slots=2, queues=tuple(managed_queues(roof.context))))
        engine = Engine(parts.store, parts.broker, roof.context, roof.clock, scheduler_settings(roof.settings), session="scheduler-1")
        for _ in range(3):
            engine.turn(roof.clock.now())
        ids = [f"{process}/20130101{hour:02}/1/1" for hour in range(hours)]
        claimed = parts.store.claim(ids, "worker-1", now)
        assert len(claimed) == hours
        parts.store.finish([Outcome(uow.id, uow.session, uow.fence, UowEvent.DONE, roof.clock.now(), rows=7) for uow in claimed])
        parts.broker.publish([Message(REPORT_QUEUE, uow_id) for uow_id in ids])
        wait_until(lambda: engine.turn(roof.clock.now()) >= 0 and _are_processed(parts.store, process, ids))
        facts = {"turned_at": roof.clock.now().isoformat(), "role": "leads", "turn": str(engine.head)}
        parts.store.beat("scheduler-1", facts)
        engine.close()


def _are_processed(store: Store, process: str, ids: Sequence[str]) -> bool:
    jobs = store.jobs(process, [uow_id.split("/")[1] for uow_id in ids])
    return len(jobs) == len(ids) and all(job.state is JobState.PROCESSED for job in jobs)
