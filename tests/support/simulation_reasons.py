"""What does each period of a history wait for? By brute force from the records, the calendar and the rules of REFERENCE 1.3 and 1.4."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from db.model import Job, Session, UnitOfWork
from db.store import Store
from scheduler.blockers import Blocker
from system.lifecycle import JOB_FINISHED, UOW_FINISHED, JobState, UowState
from system.schedule import Every, Schedule, parse_schedule
from tests.support.simulation_book import Book, Jobs, Node, state_of

WAITS = ("children", "dependency", "in order")
_CHILDREN_COUNT = ("blocking_children", "blocking_all")
Facts = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Said:
    """What a right answer says: exactly these `waits`, each a kind and a process, and one of each of `either`; else one of `kinds`."""

    waits: Facts = frozenset()
    either: tuple[Facts, ...] = ()
    kinds: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.waits or self.either)

    def fault(self, causes: Iterable[Blocker]) -> str:
        """Return what the first causes of an answer should have been, empty where they are right."""
        told = frozenset((cause.kind, cause.process) for cause in causes)
        if not self:
            return "" if told and {kind for kind, _ in told} <= self.kinds else f"one of {sorted(self.kinds)}"
        loose = {fact for facts in self.either for fact in facts}
        is_right = self.waits <= told <= self.waits | loose and all(told & facts for facts in self.either)
        return "" if is_right else f"exactly {sorted(self.waits)} and one of each of {[sorted(facts) for facts in self.either]}"


@dataclass(frozen=True, slots=True)
class Reasons:
    """What is in the store at one moment, and what follows from it for each period."""

    book: Book
    jobs: Jobs
    uows: Mapping[str, UnitOfWork]
    sessions: Mapping[str, Session]
    off: frozenset[str]
    frequencies: Mapping[str, str]
    now: datetime
    leads: bool

    @classmethod
    def of(cls, store: Store, book: Book, jobs: Jobs, now: datetime) -> Reasons:
        """Read what is needed."""
        switches, turns = store.switches(), store.turns_after(store.projected_turn() - 1, 1)
        sessions = {session.id: session for session in store.sessions()}
        under_way = [job.uow_id for job in jobs.values() if job.uow_state is not None and job.uow_state not in UOW_FINISHED]
        return cls(
            book, jobs, {uow.id: uow for uow in store.uows(under_way)}, sessions,
            frozenset(switch.process for switch in switches if not switch.is_on),
            {switch.process: switch.frequency for switch in switches if switch.frequency}, now,
            bool(turns) and turns[-1].session in sessions,
        )  # fmt: skip

    def said(self, node: Node) -> Said:
        """Return what `why` is to say of a period that is unfinished and runs for its group."""
        job, state = self.jobs.get(node), state_of(self.jobs, node)
        if state is JobState.EMBRYO:
            if not self._is_begun(node, job):
                return _one_of("off" if node[0] in self.off else "open period")
            return _one_of("held") if job is not None and job.held else self._before_work(node, job)
        assert job is not None
        if job.held:
            return _one_of("held")
        if job.uow_state not in UOW_FINISHED:
            return _one_of(self._of_uow(job))
        return self._between_runs(node, job) if self.book.processes[node[0]].is_live else self._after_work(node, job)

    def is_unfinished_input(self, node: Node, blocker: Blocker) -> bool:
        """Return whether a cause names a period that a period is waiting for."""
        named = blocker.process, blocker.timeperiod
        found = [*self.book.inputs(node), *([self.book.before[node]] if node in self.book.before else [])]
        return named in found and state_of(self.jobs, named) not in JOB_FINISHED

    # -- when

    def _schedule(self, name: str) -> Schedule:
        return parse_schedule(self.frequencies.get(name) or self.book.processes[name].trigger_frequency)

    def _is_closed(self, node: Node) -> bool:
        schedule, is_live = self._schedule(node[0]), self.book.processes[node[0]].is_live
        fired = self.now if is_live or isinstance(schedule, Every) else schedule.last_fire(self.now)
        return self.book.close(node) <= fired

    def _is_begun(self, node: Node, job: Job | None) -> bool:
        """Return whether an EMBRYO may run by now: it is due, or its period is over and it ran before or was triggered."""
        process = self.book.processes[node[0]]
        was_touched = job is not None and (job.fence > 0 or job.again_at is not None)
        if process.is_live:  # one that was touched has begun, though the clock was set back since
            return was_touched or self.book.begin(node) <= self.now
        return self._is_closed(node) or (was_touched and self.book.close(node) - timedelta(seconds=process.lag_s) <= self.now)

    # -- what

    def _free(self, node: Node, *more: str) -> Said:
        """Nothing is missing but room, or the next turn."""
        is_asking = self.book.processes[node[0]].state_machine_name == "recomputing"
        kinds = {"scheduler"} if not self.leads else {"off"} if node[0] in self.off else {"turn", "in flight", "queue window"}
        # An engine that may not open what it could close, says that it is off; a source is asked by whoever leads next.
        return _one_of(*kinds, *more, *(("source", "off") if is_asking else ()))

    def _inputs(self, node: Node, *, children: bool = True, needs: bool = True, order: bool = False) -> Said:
        """Return the inputs of some kinds that are unfinished."""
        waits = {("children", child[0]) for child in self.book.children[node] if children and self._is_unfinished(child)}
        if order and node in self.book.before and self._is_unfinished(self.book.before[node]):
            waits.add(("in order", node[0]))
        either = []
        for entry in self.book.dependencies[node] if needs else ():
            if not entry.is_finished(self.jobs):
                found = frozenset(("dependency", other[0]) for other in entry.nodes if self._is_unfinished(other))
                either += [found] if entry.any_of else []
                waits |= set() if entry.any_of else found
        return Said(frozenset(waits), tuple(either))

    def _is_unfinished(self, node: Node) -> bool:
        return state_of(self.jobs, node) not in JOB_FINISHED

    def _gate(self, node: Node) -> Said:
        kind = self.book.processes[node[0]].blocking_type
        return self._inputs(node, children=kind in _CHILDREN_COUNT, needs=kind != "blocking_normal", order=True)

    def _before_work(self, node: Node, job: Job | None) -> Said:
        if self.book.is_missed(node, self.jobs):
            return self._inputs(node) or self._free(node) if self._is_closed(node) else _one_of("open period")
        process, is_whole = self.book.processes[node[0]], not self._inputs(node)
        is_final = self._is_closed(node) and is_whole
        is_anew = job is not None and job.generation > 1 and process.blocking_type == "blocking_normal"
        waits_for_all = is_anew and (not process.is_live or (self._is_closed(node) and not is_final))
        if waits_for_all and (waits := self._inputs(node, order=True)):
            return waits
        if self.book.is_shut_for_good(node, self.jobs):
            return self._free(node)
        if waits := self._gate(node):
            return waits
        is_triggered = job is not None and job.again_at is not None
        if process.is_live and not is_final and not is_triggered:
            first_at = self._schedule(node[0]).next_fire(self.book.begin(node) - timedelta.resolution)
            return _one_of("frequency") if first_at > self.now else self._free(node)
        return self._free(node)

    def _after_work(self, node: Node, job: Job) -> Said:
        is_given_up = job.uow_state is UowState.CANCELED
        return self._free(node) if is_given_up else self._inputs(node) or self._free(node)

    def _between_runs(self, node: Node, job: Job) -> Said:
        if job.state is JobState.FINAL_RUN or (self._is_closed(node) and not self._inputs(node)):
            return self._free(node)
        if waits := self._gate(node):
            return waits
        is_early = job.again_at is not None and job.again_at > self.now
        return self._free(node, "frequency") if is_early and self._asks(node) else _one_of("frequency") if is_early else self._free(node)

    def _asks(self, node: Node) -> bool:
        return self.book.processes[node[0]].state_machine_name == "recomputing"

    def _of_uow(self, job: Job) -> str:
        """Return how a unit of work stands that a job has requested."""
        uow = self.uows.get(job.uow_id)
        if uow is None:
            return "turn"
        session = self.sessions.get(uow.session)
        if not self.leads and session is None:
            return "scheduler"
        if uow.state in UOW_FINISHED:
            return "turn"
        if uow.state is UowState.INVALID:
            return "off" if job.process in self.off else "retry"
        if uow.state is UowState.REQUESTED:
            return "unit of work" if any(found.kind == "worker" for found in self.sessions.values()) else "worker"
        return "worker" if session is None else "ending" if uow.cancel_requested else "unit of work"


def _one_of(*kinds: str) -> Said:
    return Said(kinds=frozenset(kinds))
