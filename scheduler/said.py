"""What does the log say of a turn? A line for everything of one kind in it, so that the log costs little where much happens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from db.model import Turn
from system.lifecycle import JOB_FINISHED

_MOST_NAMES = 100  # on one line


def lines(turn: Turn) -> Iterator[str]:
    """Yield what a committed `turn` requested, then what it finished, by state and reason. Every unit of work and job is named."""
    for names in _parted([uow.id for uow in turn.opened]):
        yield f"requested {names}"
    finished: dict[tuple[str, str], list[str]] = {}
    for job in turn.jobs:
        if job.state in JOB_FINISHED:
            finished.setdefault((job.state.label, job.reason), []).append(f"{job.process} {job.timeperiod}")
    for (state, reason), jobs in finished.items():
        for names in _parted(jobs):
            yield f"{state}: {names}{f': {reason}' if reason else ''}"


def _parted(names: Sequence[str]) -> Iterator[str]:
    for start in range(0, len(names), _MOST_NAMES):
        yield ", ".join(names[start : start + _MOST_NAMES])
