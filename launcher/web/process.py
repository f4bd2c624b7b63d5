"""What does the dashboard show of a process? What is registered of it, how far it is, and its last runs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from db.model import UnitOfWork
from launcher.web.area import Area
from launcher.web.asked import asked
from launcher.web.hiding import shown_value
from launcher.web.job import usual_of
from launcher.web.named import box_of
from mx.models.process import LastRun, ProcessCounts, ProcessDetail, ProcessNeed
from scheduler.desk import Desk
from scheduler.durations import Durations
from scheduler.levels import level_of
from scheduler.switches import standing
from scheduler.timetable import States
from scheduler.watermark import watermark
from system.context import Context, DaemonProcess, FreerunProcess, ManagedProcess, ProcessEntry
from system.entry_check import near
from system.errors import NotFound
from system.hidden import hide
from system.lifecycle import JobState, UowState

_LAST, _WALKED, _LONGEST = 40, 5_000, 500
# What is said of a process only where it is not the default.
_LIMITS = {
    "start": "first period", "end": "ends before", "catchup": "missed periods run", "lag_s": "lag, seconds",
    "deadline": "deadline, seconds",
    "late_s": "late rows reopen, seconds", "timeout_s": "timeout, seconds", "max_in_flight": "at once, at most",
    "max_attempts": "attempts, at most", "life_support_hours": "given up after, hours", "backoff_s": "first wait after a failure, seconds",
    "on_failure": "given up", "in_order": "in order", "noop_exit_code": "exit code of no data", "source": "source", "sink": "sink",
    "overlap": "overlap", "misfire": "missed fires", "grace_s": "grace of missed fires, seconds",
}  # fmt: skip


class ProcessArea(Area):
    """Answers the part of `mx.desk_job.JobDesk` that is about one process."""

    @asked
    def process(self, name: str) -> ProcessDetail:
        """See JobDesk."""
        desk, context = self.parts.desk, self.parts.context
        found = [each for each in context.processes if each.name == name]
        if not found:
            raise NotFound(f"there is no process {name!r}{near(name, [each.name for each in context.processes])}")
        first = found[0]
        if isinstance(first, ManagedProcess):
            return self._managed(desk, context, first)
        entries = tuple(each.entry_name for each in found if isinstance(each, FreerunProcess))
        kind = "daemon" if isinstance(first, DaemonProcess) else "freerun"
        return ProcessDetail(kind=kind, entries=entries, **_registered(first))

    def _managed(self, desk: Desk, context: Context, process: ManagedProcess) -> ProcessDetail:
        table, name, now = desk.read(), process.name, self.now()
        states, place = table.states[name], desk.topology[name]
        stands, tree = standing(states, now), context.trees.get(place.tree)
        users = [each.name for each in desk.topology.places.values() for need in each.needs if name in need.processes]
        return ProcessDetail(
            kind="managed",
            qualifier=process.time_qualifier,
            machine=process.state_machine_name,
            blocking=process.blocking_type,
            tree=place.tree,
            page=(tree.mx_page or tree.name) if tree else "",
            time_zone=tree.time_zone if tree else "UTC",
            grouping=process.time_grouping,
            is_on=stands.is_on,
            on_since=stands.since,
            on_who=stands.who,
            on_why=stands.why,
            schedule=stands.schedule,
            own_schedule=stands.own_schedule,
            schedule_who=stands.schedule_who,
            schedule_why=stands.schedule_why,
            next=stands.next,
            parent=place.parent or "",
            child=place.child or "",
            dependencies=place.dependencies,
            needs=tuple(ProcessNeed(processes=need.processes, offset=need.offset, last=need.last, any_of=need.any_of,
                                    optional=need.optional) for need in place.needs),
            users=tuple(dict.fromkeys([*place.dependants, *users])),
            counts=self._counts(desk, name),
            usual=usual_of(Durations(self.parts.store, table).of(name)),
            last_runs=tuple(self._last_runs(desk, name)),
            **_registered(process),
        )  # fmt: skip

    def _counts(self, desk: Desk, name: str) -> ProcessCounts:
        table, now = desk.read(), self.now()
        level, mark = level_of(table, desk.topology, desk.topology[name].tree, name, now), watermark(table.states[name], now)
        fields = ("due", "finished", "active", "held", "failing", "late", "first", "last")
        return ProcessCounts(by_state=level.counts, through=mark.through, holes=mark.holes, first_hole=mark.first_hole,
                             **{field: getattr(level, field) for field in fields})  # fmt: skip

    def _last_runs(self, desk: Desk, name: str) -> Iterator[LastRun]:
        table = desk.read()
        periods = {table.period((name, ordinal)): JobState(state) for ordinal, state in islice(_newest(table.states[name]), _LAST)}
        jobs = {job.timeperiod: job for job in self.parts.store.jobs(name, list(periods))} if periods else {}
        uows = {uow.id: uow for uow in self.parts.store.uows([job.uow_id for job in jobs.values() if job.run])}
        for period, state in periods.items():
            yield self._last_run(period, state, uows.get(jobs[period].uow_id) if period in jobs else None)

    def _last_run(self, period: str, state: JobState, uow: UnitOfWork | None) -> LastRun:
        started, ended = (uow.started_at, uow.finished_at) if uow else (None, None)
        if uow and uow.state is UowState.IN_PROGRESS:
            ended = self.now()
        seconds = max(0.0, (ended - started).total_seconds()) if started and ended else None
        return LastRun(timeperiod=period, state=state.label, started_at=started, seconds=seconds, box=box_of(uow.session) if uow else "",
                       rows=uow.rows if uow else None, reason=uow.reason if uow else "")  # fmt: skip


def _newest(states: States) -> Iterator[tuple[int, int]]:
    """Yield periods that are not EMBRYO with their states, the newest first."""
    newest = max((found[0] for state in JobState if state and (found := states.newest(state, 1))), default=None)
    if newest is None:
        return
    low = max(states.first, newest - _WALKED)
    touched = states.between(low, newest + 1)
    yield from ((low + at, touched[at]) for at in range(len(touched) - 1, -1, -1) if touched[at])


def _registered(process: ProcessEntry) -> dict[str, Any]:
    """Return what all kinds of processes have, without secrets."""
    given = {key: getattr(process, key, None) for key in _LIMITS}
    default = {each.name: each.default for each in type(process).__dataclass_fields__.values()}
    argv = getattr(process, "argv", ())
    return {
        "name": process.name,
        "description": getattr(process, "description", ""),
        "owner": getattr(process, "owner", ""),
        "runs": hide(" ".join(argv) if argv else process.classname),
        "queue": getattr(process, "queue", ""),
        "boxes": process.present_on_boxes or "",
        "arguments": {key: shown_argument(key, value) for key, value in process.arguments.items()},
        "limits": {_LIMITS[key]: hide(str(value)) for key, value in given.items() if value is not None and value != default.get(key)},
    }


def shown_argument(key: str, value: object) -> str:
    """Return an argument as it may be shown: what is named like a secret is not, nor are passwords in URLs."""
    text = hide(str(shown_value(key, value)))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
