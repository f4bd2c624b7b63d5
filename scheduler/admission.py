"""May one more unit of work of a process be requested just now? Windows of its two queues, and `max_in_flight`.

Pure: counts in, the reason of a refusal out.
"""

from __future__ import annotations

from scheduler.inflight import InFlight
from system.context import ManagedProcess
from system.lanes import Lane, places_for_backfill, queue_in


def refusal(process: ManagedProcess, inflight: InFlight, lane: Lane, window: int, *, may_be_live: bool) -> str:
    """Return why nothing new may be opened in `lane`, empty when it may: `queue window` or `in flight`.

    Backfill leaves one place of `max_in_flight` to live work where such may come (`may_be_live`).
    """
    if is_window_full(process, inflight, lane, window):
        return "queue window"
    most = process.max_in_flight
    if not most:
        return ""
    if len(inflight.of_process[process.name]) >= most:
        return "in flight"
    if lane is Lane.LIVE or not may_be_live:
        return ""
    return "in flight" if len(inflight.of_backfill[process.name]) >= places_for_backfill(most) else ""


def refusal_again(process: ManagedProcess, inflight: InFlight, lane: Lane, window: int) -> str:
    """Return why no further attempt may be made due in `lane`. It counts as in flight all along, but after a release: that may be full."""
    if is_window_full(process, inflight, lane, window):
        return "queue window"
    most = process.max_in_flight
    return "in flight" if most and inflight.running(process.name) >= most else ""


def is_window_full(process: ManagedProcess, inflight: InFlight, lane: Lane, window: int) -> bool:
    """Return whether as many units of work are REQUESTED in the queue of `lane` as may be."""
    return len(inflight.requested[queue_in(process.queue, lane)]) >= window
