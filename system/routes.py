"""By which exchange and routing key is each queue reached? Only a broker that has exchanges wants to know."""

from __future__ import annotations

from system.context import DEAD_QUEUE, REPORT_QUEUE, UTILS_EXCHANGE, Context, Queue
from system.lanes import Lane, queue_in


def routes_of(context: Context) -> tuple[Queue, ...]:
    """Return the way to every queue that a context leads to: both lanes of its processes, its entries, its further queues, and ours."""
    managed = [
        Queue(process.exchange, queue_in(process.queue, lane), queue_in(process.routing or process.queue, lane))
        for process in context.managed.values()
        for lane in Lane
    ]
    freerun = [Queue(entry.exchange, entry.queue, entry.queue) for entry in context.freerun.values()]
    ours = [Queue(UTILS_EXCHANGE, queue, queue) for queue in (REPORT_QUEUE, DEAD_QUEUE)]
    return (*context.queues, *managed, *freerun, *ours)
