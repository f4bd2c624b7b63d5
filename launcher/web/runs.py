"""What does the dashboard show of what ran when? The last attempts of units of work by their time, and how long those of a process took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median

from db.model import UnitOfWork
from launcher.web.area import Area
from launcher.web.asked import asked
from launcher.web.named import box_of
from mx.models.runs import ProcessRuns, Run, Runs
from scheduler.attention import under_way
from system.errors import HorariumError
from system.lanes import Lane, lane_of
from system.lifecycle import UowState

_LONGEST = timedelta(days=31)
_EARLIEST = datetime(1971, 1, 1, tzinfo=UTC)
_BACK_LEAST, _BACK_TIMES = timedelta(hours=1), 4
_MOST_INSIDE, _MOST_BEFORE, _MOST_RUNNING = 1_000, 400, 300


class RunsArea(Area):
    """Answers `mx.desk_runs.RunsDesk`."""

    @asked
    def runs(self, since: datetime, until: datetime, *, process: str = "", box: str = "", limit: int = 1000) -> Runs:
        """See RunsDesk."""
        if not since > _EARLIEST:
            raise HorariumError(f"nothing ran at {since:%Y-%m-%d %H:%M}Z: units of work are younger")
        if not timedelta(0) < until - since <= _LONGEST:
            raise HorariumError(f"{since:%Y-%m-%d %H:%M}Z to {until:%Y-%m-%d %H:%M}Z: the end lies after the beginning, at most 31 days")
        desk, store = self.parts.desk, self.parts.store
        inside = store.uows_begun(since, until, _MOST_INSIDE)
        back = since - max(_BACK_LEAST, _BACK_TIMES * (until - since))
        before = store.uows_begun(back, since, _MOST_BEFORE)
        running = store.uows(under_way(desk.read(), _MOST_RUNNING))
        if len(before) == _MOST_BEFORE and before[-1].started_at:
            back = before[-1].started_at
        now = self.now()
        managed = self.parts.context.managed
        met = {uow.id: uow for uow in [*inside, *before, *running] if _ran_in(uow, since, until)}
        found = [_run(uow, now, is_managed=uow.process in managed) for uow in met.values()]
        boxes = tuple(sorted({run.box for run in found}))
        found = [run for run in found if (not process or run.process == process) and (not box or run.box == box)]
        found.sort(key=lambda run: (run.started_at, run.uow), reverse=True)
        shown = found[:limit]
        return Runs(
            since=since, until=until, runs=tuple(shown), processes=tuple(summed(found)), boxes=boxes,
            is_cut=len(inside) == _MOST_INSIDE or len(found) > limit, looked_back_to=back,
        )  # fmt: skip


def _ran_in(uow: UnitOfWork, since: datetime, until: datetime) -> bool:
    """Return whether the last attempt of a unit of work is known to have run in a time."""
    if uow.started_at is None or uow.started_at >= until or uow.state is UowState.REQUESTED:
        return False
    ended = None if uow.state is UowState.IN_PROGRESS else uow.finished_at
    return uow.state is UowState.IN_PROGRESS or uow.started_at >= since or (ended is not None and ended >= since)


def _run(uow: UnitOfWork, now: datetime, *, is_managed: bool) -> Run:
    assert uow.started_at is not None
    ended = None if uow.state is UowState.IN_PROGRESS else uow.finished_at or uow.started_at
    state = "failed" if uow.state is UowState.INVALID or uow.reason.startswith("failed") else uow.state.value.removeprefix("state_")
    return Run(
        uow=uow.id,
        process=uow.process,
        timeperiod=uow.timeperiod if is_managed else uow.id.split("/")[1],
        is_managed=is_managed,
        box=box_of(uow.session),
        session=uow.session,
        state=state,
        started_at=uow.started_at,
        ended_at=ended,
        seconds=max(0.0, ((ended or now) - uow.started_at).total_seconds()),
        rows=uow.rows,
        reason=uow.reason,
        is_backfill=lane_of(uow.queue) is Lane.BACKFILL,
    )


def summed(runs: Iterable[Run]) -> list[ProcessRuns]:
    """Return how long the runs of each process took, those that succeeded; the most time in all first."""
    by_process: dict[str, list[Run]] = {}
    for run in runs:
        by_process.setdefault(run.process, []).append(run)
    found = sorted(by_process.items(), key=lambda each: (-sum(run.seconds for run in each[1]), each[0]))
    return [_sum(process, each) for process, each in found]


def _sum(process: str, runs: Sequence[Run]) -> ProcessRuns:
    took = sorted(run.seconds for run in runs if run.state == "processed")
    failed = sum(1 for run in runs if run.state == "failed")
    if not took:
        return ProcessRuns(process=process, runs=len(runs), failed=failed, p50_s=None, p90_s=None, longest_s=None)
    p90 = took[max(0, -(-9 * len(took) // 10) - 1)]
    return ProcessRuns(process=process, runs=len(runs), failed=failed, p50_s=median(took), p90_s=p90, longest_s=took[-1])
