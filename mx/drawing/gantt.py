"""Where stands each run of a time? A band for each worker, in it as many rows as it had runs at once; time goes to the right.

A unit of work does not know in which slot of its worker it ran: a row is a place that was free, not a slot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mx.models.runs import Run

LABELS, TOTAL, ROW, GAP, TOP = 150, 1360, 15, 10, 26
_LEAST = 2.0  # so wide at least is a bar
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 432_000)


@dataclass(frozen=True, slots=True)
class Bar:
    """One run. `is_open`: it goes on."""

    run: Run
    x: float
    y: int
    width: float
    is_open: bool


@dataclass(frozen=True, slots=True)
class Band:
    """One worker. `pid` is its process on its box, as its session's id says."""

    box: str
    pid: str
    y: int
    height: int
    rows: int


@dataclass(frozen=True, slots=True)
class Tick:
    """A moment on the axis."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Gantt:
    """All of it. `now_x` is None where now lies outside."""

    bars: tuple[Bar, ...]
    bands: tuple[Band, ...]
    ticks: tuple[Tick, ...]
    height: int
    now_x: float | None


def gantt(runs: Sequence[Run], since: datetime, until: datetime, now: datetime) -> Gantt:
    """Return where the runs of `[since, until)` stand."""
    scale = (TOTAL - LABELS) / max((until - since).total_seconds(), 1e-6)
    end = min(now, until)

    def at(moment: datetime) -> float:
        return LABELS + (min(max(moment, since), until) - since).total_seconds() * scale

    by_session: dict[tuple[str, str], list[Run]] = {}
    for run in sorted(runs, key=lambda run: (run.started_at, run.uow)):
        by_session.setdefault((run.box, run.session), []).append(run)
    bands, bars, y = [], [], TOP
    for (box, session), found in sorted(by_session.items()):
        ends: list[datetime] = []
        for run in found:
            row = _row(ends, run, run.ended_at or max(now, run.started_at))
            x = at(run.started_at)
            width = max(_LEAST, at(run.ended_at or end) - x)
            bars.append(Bar(run, round(x, 1), y + row * ROW, round(min(width, TOTAL - x + _LEAST), 1), run.ended_at is None))
        height = len(ends) * ROW
        bands.append(Band(box, _pid(session), y, height, len(ends)))
        y += height + GAP
    now_x = round(at(now), 1) if since <= now <= until else None
    return Gantt(tuple(bars), tuple(bands), tuple(_ticks(since, until, scale)), max(y, TOP + ROW), now_x)


def _row(ends: list[datetime], run: Run, ended: datetime) -> int:
    """Return the first row that is free when a run begins, and take it."""
    for row, free in enumerate(ends):
        if free <= run.started_at:
            ends[row] = ended
            return row
    ends.append(ended)
    return len(ends) - 1


def _ticks(since: datetime, until: datetime, scale: float) -> list[Tick]:
    span_s = (until - since).total_seconds()
    step_s = next((step for step in _STEPS_S if span_s / step <= 12), _STEPS_S[-1])
    first = since.astimezone(UTC).replace(microsecond=0)
    midnight = first.replace(hour=0, minute=0, second=0)
    passed = -(-((first - midnight).total_seconds()) // step_s)
    found, moment = [], midnight + timedelta(seconds=passed * step_s)
    words = "%H:%M:%S" if step_s < 60 else "%H:%M" if step_s < 86_400 else "%m-%d"
    while moment < until:
        if moment >= since:
            is_day = moment.hour == moment.minute == moment.second == 0
            text = moment.strftime("%m-%d" if is_day and step_s >= 3600 else words)
            found.append(Tick(round(LABELS + (moment - since).total_seconds() * scale, 1), text))
        moment += timedelta(seconds=step_s)
    return found


def _pid(session: str) -> str:
    """Return the number of a worker's process; the whole of an id that looks otherwise."""
    parts = session.rpartition("-worker-")[2].split("-")
    return parts[0] if len(parts) == 2 and parts[0].isdigit() else session
