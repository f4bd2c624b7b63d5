"""Does `why` say what the engine waits for? The desk, which reads nothing but the store, against gates by brute force."""

from __future__ import annotations

from scheduler.desk import Desk
from system.lifecycle import JOB_FINISHED, JobState
from tests.support.simulation_book import Book, Jobs, Node, state_of

_WAITS = ("children", "dependency", "in order")


def wrong_why(desk: Desk, book: Book, node: Node, jobs: Jobs) -> str:
    """Return what `why` says wrongly of a period that is due, empty where it is right."""
    why, job = desk.why(*node), jobs.get(node)
    waits = {cause.kind for cause in why.causes} & set(_WAITS)
    state = state_of(jobs, node)
    if state in JOB_FINISHED:
        return "" if why.kind == "finished" else f"{node} is finished, and why says {why}"
    if state is JobState.EMBRYO and not (job and job.held) and bool(waits) == book.is_open(node, jobs):
        return f"{node}: its gate is {'open' if waits else 'closed'}, and why says {why}"
    if not all(leaf.kind not in _WAITS for leaf in why.leaves()):
        return f"{node}: the last cause is no cause: {why}"
    return ""
