"""Which units of work did jobs have? Read for many jobs of one process at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from db.model import Job, UnitOfWork
from db.store import Store

_MOST_RUNS = 1_000  # of one job that are read


def uows_of(store: Store, jobs: Iterable[Job]) -> Mapping[str, list[UnitOfWork]]:
    """Return the units of work of jobs of one process, by timeperiod; most have one, and these are read at once.

    A job may be given more than once, as it stood at different times.
    """
    found: dict[str, list[UnitOfWork]] = {}
    only = []
    for job in jobs:
        if job.generation == 1 and job.run <= 1:
            only += [job.uow_id] if job.run else []
        else:
            found[job.timeperiod] = store.uows_of(job.process, job.timeperiod, _MOST_RUNS)
    for uow in store.uows(only) if only else ():
        found.setdefault(uow.timeperiod, [uow])  # else all of them were read
    return found
