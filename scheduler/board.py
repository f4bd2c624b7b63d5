"""What does a change lead to? The engine's memory and the moves on it; no store, no broker, no clock.

Every move goes into the draft of the turn that is being made. What a change can affect is marked; only marked nodes are decided.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable
from datetime import datetime

from db.model import Job, Switch, UnitOfWork, UowMove
from mq.broker import Message
from scheduler import admission
from scheduler.alarms import Alarms
from scheduler.decisions import NOT_A_GROUP_END, Ask, Close, Decision, Occasion, Open, Postpone, Revert, Wait, Widen, held, pass_over
from scheduler.draft import Draft
from scheduler.freerun_board import FreerunBoard
from scheduler.frontier import Frontier, Frontiers
from scheduler.inflight import Flight, InFlight
from scheduler.inputs import inputs_of
from scheduler.live_moves import LiveMoves
from scheduler.machines import MACHINES
from scheduler.moves import call_off, put_back, record
from scheduler.parents import Emptied, runs
from scheduler.policy import SchedulerSettings
from scheduler.probing import Probed
from scheduler.settlement import Settlement, retried, settle
from scheduler.switches import off_blocker, open_again
from scheduler.timetable import Node, Timetable, id_of
from scheduler.trees import Topology
from system.context import Context
from system.lanes import Lane, queue_in
from system.lifecycle import JOB_FINISHED, JOB_LIFECYCLE, UOW_FINISHED, JobEvent, JobState, UowEvent, UowState, advance
from system.records import replace

log = logging.getLogger(__name__)


class Board:
    """The timetable with everything under way on it. Belongs to one thread. `draft` is the turn in the making."""

    def __init__(
        self, context: Context, topology: Topology, timetable: Timetable, settings: SchedulerSettings, now: datetime,
        only: Iterable[str] | None = None,
    ) -> None:  # fmt: skip
        self.context = context
        self.topology = topology
        self.timetable = timetable
        self.settings = settings
        self.inflight = InFlight({name: process.queue for name, process in context.managed.items()})
        self.frontiers = Frontiers(timetable, now, settings.history_s, timetable.states if only is None else only)
        self.window = settings.window_least
        self.look_at: dict[str, None] = {}  # in order: the same accident leads to the same turns
        self.draft = Draft(timetable.head + 1, now, timetable)
        self.freerun = FreerunBoard(context, timetable, self.inflight, settings, self.look_at, self.draft)
        self._hungry: dict[Lane, dict[str, None]] = {lane: dict.fromkeys(topology.order()) for lane in Lane}
        self._again: dict[tuple[str, Lane], dict[int, None]] = {}
        self._round = deque(self.frontiers)
        self._marked: dict[Node, None] = {}
        self._left: dict[Node, None] = {}  # marked for the next turn
        self._emptied = Emptied(topology, timetable)
        self._closings = 0
        self._alarms: Alarms[str] = Alarms()
        self._missing: list[Node] = []
        self.live = LiveMoves(topology, timetable, self.inflight, settings.probe_fresh_s)
        for name, frontier in self.frontiers.items():
            self._alarms.put(frontier.advance(now), name)

    def begin(self, now: datetime) -> None:
        """Start the draft of the next turn. The first one puts back what the store lacks of the units of work under way."""
        self.draft = Draft(self.timetable.head + 1, now, self.timetable)
        self.freerun.begin(self.draft)
        self._marked, self._left, self._closings = {**self._left, **self._marked}, {}, 0
        missing, self._missing = self._missing, []
        for node in missing:
            job = self.timetable.active[node]
            named, is_ending = (job.process, job.timeperiod), job.next_event is not None
            self._take_up(node, job, put_back(self._unit_of(node, job, ""), job, named, is_ending=is_ending, draft=self.draft))

    def committed(self) -> None:
        """Take over that the draft is a turn now."""
        self.timetable.head = self.draft.number

    def resume(self, uows: Iterable[UnitOfWork]) -> None:
        """Take up the jobs that were under way: `uows` are their units of work."""
        found = {uow.id: uow for uow in uows}
        for node, job in self.timetable.active.items():
            uow = found.get(job.uow_id)
            if job.state is JobState.EMBRYO or job.uow_state in UOW_FINISHED:
                self.mark(node)
            elif uow is None:
                self._missing.append(node)
            else:
                self._take_up(node, job, uow)

    def _take_up(self, node: Node, job: Job, uow: UnitOfWork) -> None:
        self.inflight.note(uow, node)
        self.look_at[uow.id] = None
        if job.again_at and uow.slice:
            self.live.alarms.put(job.again_at, node)
        if job.held:
            self.inflight.leave_place(uow.id)
        if job.retry_at:
            self.inflight.retry_at(job.retry_at, node)

    # -- what time brings

    def pass_time(self) -> None:
        """Let in the periods and the attempts that became due by the draft's time."""
        now = self.draft.now
        for name in self._alarms.due(now):
            self._let_fill(name)
            self._alarms.put(self.frontiers[name].advance(now), name)
        for process, ordinal in self.inflight.due_retries(now):
            self.try_again((process, ordinal))
        for node in self.live.alarms.due(now):
            self.mark(node)
        self.freerun.pass_time(self.settings.looks)

    def next_alarm(self) -> datetime | None:
        """Return when time brings the next thing to decide."""
        moments = (self._alarms.next(), self.inflight.next_retry(), self.live.alarms.next(), self.freerun.next_alarm())
        return min((m for m in moments if m), default=None)

    def switch(self, switch: Switch) -> None:
        """Let a process be switched as given from this turn on. Its periods are looked at from the first one again."""
        name, now = switch.process, self.draft.now
        before = self.timetable.states[name].schedule.text
        self.draft.switch(switch)
        is_rescheduled = before != self.timetable.states[name].schedule.text
        self.frontiers[name] = Frontier(self.timetable.states[name], now, self.settings.history_s)
        self._alarms.put(self.frontiers[name].advance(now), name)
        states = self.timetable.states[name]
        for node, job in [found for found in self.timetable.active.items() if found[0][0] == name]:
            if job.again_at is not None and states.process.is_live and is_rescheduled:
                self.draft.put(replace(job, again_at=states.again_at(now), turn=self.draft.number))
            self.mark(node)  # it may be due by an operator's word
        self._let_fill(name)

    # -- what units of work bring

    def read(self, uow: UnitOfWork, *, is_void: bool = False) -> None:
        """Take over a unit of work as it stands in the store. `is_void`: it is IN_PROGRESS and its session is gone."""
        flight = self.inflight.flights.get(uow.id)
        if flight is not None and self.freerun.has(flight.node[0]):
            self.freerun.read(flight, uow, is_void=is_void)
            return
        job = self.timetable.active.get(flight.node) if flight else None
        if flight is None or job is None or job.uow_id != uow.id:
            return
        self.inflight.note(uow, flight.node)
        self._let_fill(job.process)
        process, most, now, turn = self.context.managed[job.process], self.settings.max_losses, self.draft.now, self.draft.number
        result = settle(job, uow, process, is_void=is_void, max_losses=most, now=now, turn=turn)
        if result is not None:
            self._take(flight, uow, result)

    def _take(self, flight: Flight, uow: UnitOfWork, result: Settlement) -> None:
        """Write down a settlement."""
        node, before, job = flight.node, self.timetable.active[flight.node], result.job
        if result.move:
            self._move(result.move, flight, result.uow_state)
        if job is not None:
            self.draft.put(job)
            if job.retry_at and job.uow_state is UowState.INVALID:
                self.inflight.retry_at(job.retry_at, node)
                log.warning("%s failed, again at %s: %s", uow.id, job.retry_at.isoformat(timespec="seconds"), job.reason)
            if job.held:
                self.inflight.leave_place(uow.id)
                log.error("%s is held: %s", uow.id, job.held)
        if result.uow_state in UOW_FINISHED and job is not None:
            self.inflight.settled(uow.id)
            if job.state in JOB_FINISHED:
                self._closed(node, job)
                return
            self.mark(node)
            self._emptied.ended(node, before)

    def _move(self, move: UowMove, flight: Flight, after: UowState) -> None:
        if move.event is UowEvent.LOST:
            self.draft.tell(flight.node[0], self.timetable.period(flight.node), "lost", f"{move.uow_id}: {move.reason}")
        record(move, flight, after, self.draft, self.inflight, self.look_at)

    # -- deciding

    def mark(self, node: Node) -> None:
        """Let `node` be decided in this turn."""
        self._marked[node] = None

    def settle_marked(self) -> None:
        """Decide every marked node, and those that this marks in turn. One close may lead to any number of others: after so many as a turn
        may look at, untouched periods are left for the next turn. Another leader comes upon them as upon all that is due.
        """
        self.settle_emptied()
        while self._marked:
            node = next(iter(self._marked))
            del self._marked[node]
            if self._closings >= self.settings.looks and self.timetable.states[node[0]][node[1]] == JobState.EMBRYO:
                self._left[node] = None
            else:
                self.settle(node)
                self.settle_emptied()

    def decision(self, node: Node, supposed: Timetable | None = None) -> Decision | None:
        """Return what `node` is owed; None when it is finished, nothing may run yet, or it is not the process's period at all.

        With `supposed` its inputs are as they are there.
        """
        process, ordinal = node
        states = self.timetable.states[process]
        job = self.timetable.active.get(node)
        is_embryo = job is None or job.state is JobState.EMBRYO
        if is_embryo and not self._may_run(node, job):
            return None
        if is_embryo and job is not None and job.held:
            return held(job)
        is_closed = self._is_closed(node)
        if is_embryo and ordinal != self.topology.group(process, ordinal)[-1]:
            return Close(JobEvent.NOOP, NOT_A_GROUP_END) if is_closed else None
        if is_embryo and (reason := self.topology.left_out(process, ordinal)):
            return Close(JobEvent.NOOP, reason) if is_closed else None
        inputs = inputs_of(supposed or self.timetable, self.topology, node)
        if states.is_missed(ordinal, job):
            return pass_over(inputs) if is_closed else Wait((open_again(states, ordinal),))
        entry = self.context.managed[process]
        is_triggered = job is not None and is_embryo and job.again_at is not None
        # One that a live machine has run may have to wait for its end, whatever machine the context names today.
        was_live = job is not None and not is_embryo and job.again_at is not None
        first_at = states.open_at(ordinal) if was_live or (entry.is_live and not is_triggered) else None
        now = self.draft.now
        period, heard = self.timetable.period(node), self.live.probes.heard(node, now)
        occasion = Occasion(process, period, now, is_closed, first_at, states.again_at(now), heard, self.live.unclaimed(job))
        found = MACHINES[entry.state_machine_name](job, inputs, entry.blocking_type, occasion)
        # What is off asks its source nothing: that may be in repair, and by its answer jobs are finished.
        return Wait((off_blocker(states, occasion.timeperiod),)) if isinstance(found, Ask) and not states.is_on else found

    def _is_closed(self, node: Node) -> bool:
        """Return whether a period has ended and its lag is over, also where the process ends before it by now."""
        is_due = node[1] < self.frontiers[node[0]].due_end
        return is_due or self.timetable.states[node[0]].is_over_behind_end(node[1], self.draft.now)

    def _may_run(self, node: Node, job: Job | None) -> bool:
        """Return whether a period is an EMBRYO of which something may run: by its schedule, as it ran before, or by an operator's word."""
        frontier = self.frontiers[node[0]]
        if frontier.states[node[1]] != JobState.EMBRYO or node[1] < frontier.states.first:
            return False
        was_touched = job is not None and (job.fence > 0 or job.again_at is not None)
        return node[1] < frontier.open_end or (was_touched and frontier.states.may_go_ahead(node[1], self.draft.now))

    def is_reached(self, node: Node) -> bool:
        """Return whether `node` is a period that the process has, and that may run or was touched before."""
        frontier = self.frontiers[node[0]]
        return frontier.states.first <= node[1] and (node[1] < frontier.open_end or frontier.states[node[1]] != JobState.EMBRYO)

    def settle(self, node: Node) -> None:
        """Decide `node` now, and carry that out."""
        decision = self.decision(node)
        if isinstance(decision, Open):
            self.frontiers[node[0]].wake(node[1])
            self._let_fill(node[0])
        elif decision is not None:
            self._carry_out(decision, node)

    def _carry_out(self, decision: Close | Revert | Ask | Widen | Postpone | Wait, node: Node) -> None:
        match decision:
            case Ask():
                self.live.ask(node, is_closed=self._is_closed(node))
            case Postpone(reason, until):
                self.live.postpone(node, reason, until, self.draft)
            case Widen(slice_, until):
                self.live.widen(node, slice_, until, self.draft)
            case Close(event, reason):
                self.live.probes.use(node)
                self._close(node, event, reason)
            case Revert():
                job, now, turn = self.timetable.active[node], self.draft.now, self.draft.number
                state = advance(JOB_LIFECYCLE, job.state, JobEvent.REVERTED)
                self.draft.put(replace(job, state=state, changed_at=now, turn=turn))
                self.mark(node)
            case Wait(_, until) if until is not None:
                self.live.alarms.put(until, node)

    def hear(self, probed: Probed) -> None:
        """Take in what a source said."""
        if self.live.probes.hear(probed, self.draft.now):
            self.mark(probed.question.node)
            self._let_fill(probed.question.node[0])

    def _close(self, node: Node, event: JobEvent, reason: str) -> None:
        self._closings += 1
        job = self.timetable.active.get(node)
        now, turn = self.draft.now, self.draft.number
        if job is None:
            state = advance(JOB_LIFECYCLE, JobState.EMBRYO, event)
            job = Job(node[0], self.timetable.period(node), state, now, turn, reason=reason)
        else:
            state = advance(JOB_LIFECYCLE, job.state, event)
            job = replace(job, state=state, reason=reason, held="", failing_since=None, changed_at=now, turn=turn)
        self.draft.put(job)
        self._closed(node, job)

    def _closed(self, node: Node, job: Job) -> None:
        self.touch_users(node)
        if job.state is JobState.SKIPPED:
            self._emptied.skipped(node)

    def settle_emptied(self) -> None:
        """Skip the parents that nothing is left of, since the last of their children was skipped; what one runs is ended first."""
        for parent, reason in self._emptied.take():
            job = self.timetable.active.get(parent)
            if job is not None and runs(job):
                call_off(job, JobEvent.SKIPPED, reason, self.draft, self.inflight, self.look_at)
            else:
                self.skip(parent, reason)

    def touch_users(self, node: Node) -> None:
        """Tell those who use `node` that it was settled in this turn. What ends no group has nothing that they could run again for."""
        has_data = node[1] == self.topology.group(*node)[-1]
        for user in self.topology.affected_by(*node):
            job = self.timetable.active.get(user)
            if has_data and job is not None and job.state is not JobState.EMBRYO:
                self.draft.put(replace(job, inputs_turn=self.draft.number, turn=self.draft.number))
            self.mark(user)
        follower = self.topology.follower_of(*node)
        if follower is not None:
            self.mark((node[0], follower))

    def reopen(self, node: Node, job: Job, *, was: Job | None = None) -> None:
        """Let a job start anew; `job` is as `settlement.reopened` made it, `was` as it stood before, where it was finished.

        Who is in its final run has to know that this is not the end.
        """
        if was is not None and was.state in JOB_FINISHED:
            self.draft.tell_past(was)
        self.draft.put(job)
        self.mark(node)
        for user in self.topology.affected_by(*node):
            self.mark(user)

    def skip(self, node: Node, reason: str) -> None:
        """Give a job up that has nothing under way."""
        self._close(node, JobEvent.SKIPPED, reason)

    # -- opening units of work

    def fill(self, looks: int) -> bool:
        """Open what may be opened, live periods before history, oldest first in each process; returns whether there is more to look at."""
        # Fires are due at their second; periods would fill any turn while there is something to catch up with.
        looks = self.freerun.fill(looks)
        while lane := next((lane for lane in Lane if self._hungry[lane]), None):
            process = next(iter(self._hungry[lane]))
            looks = self._fill(process, lane, looks)
            if looks <= 0:
                return True
            del self._hungry[lane][process]
        return self.freerun.is_more() or bool(self._left)

    def _let_fill(self, process: str) -> None:
        for hungry in self._hungry.values():
            hungry[process] = None

    def size_windows(self, slots: int) -> None:
        """Set how many units of work of a queue may be REQUESTED, from the number of live slots."""
        window = max(self.settings.window_least, self.settings.window_per_slot * slots)
        if window != self.window:
            self.window = self.freerun.window = window
            for process in self.topology.order():
                self._let_fill(process)

    def _fill(self, process: str, lane: Lane, looks: int) -> int:
        frontier = self.frontiers[process]
        frontier.age(self.draft.now)
        looks = self._fill_again(process, lane, looks)
        # A question takes no room: of a long backlog no more are asked at once than could be requested by what they answer.
        while looks > 0 and self.refusal(process, lane) == "" and self.live.probes.open(process) < self.window:
            ordinal = frontier.pop(lane)
            if ordinal is None:
                break
            looks -= 1
            self._try((process, ordinal))
            self.settle_marked()
        return looks

    def _fill_again(self, process: str, lane: Lane, looks: int) -> int:
        """Make attempts due whose backoff is over. They go before what is new."""
        waiting = self._again.get((process, lane), {})
        while waiting and looks > 0 and self._refusal_again(process, lane) == "":
            ordinal = next(iter(waiting))
            del waiting[ordinal]
            looks -= 1
            job = self.timetable.active.get((process, ordinal))
            if job is None or job.uow_state is not UowState.INVALID or job.retry_at is None:
                continue
            if job.retry_at > self.draft.now:
                # The clock was set back while the window was full, or this was the alarm of an older generation.
                self.inflight.retry_at(job.retry_at, (process, ordinal))
            else:
                self._retry(job)
        return looks

    def refusal(self, process: str, lane: Lane) -> str:
        """Return why nothing new may be opened in a lane of `process`, empty when it may: `off`, `in flight` or `queue window`."""
        entry = self.context.managed[process]
        if not self.timetable.states[process].is_on:
            return "off"
        return admission.refusal(entry, self.inflight, lane, self.window, may_be_live=self.frontiers[process].may_be_live)

    def _refusal_again(self, process: str, lane: Lane) -> str:
        entry = self.context.managed[process]
        return admission.refusal_again(entry, self.inflight, lane, self.window) if self.timetable.states[process].is_on else "off"

    def _try(self, node: Node) -> None:
        decision = self.decision(node)
        if isinstance(decision, Open):
            self._open(node, self.timetable.active.get(node), decision)
        elif decision is not None:
            self._carry_out(decision, node)

    def try_again(self, node: Node) -> None:
        """Let the next attempt of a node's unit of work be made due as soon as its queue's window has room."""
        job = self.timetable.active.get(node)
        flight = self.inflight.flights.get(job.uow_id) if job else None
        self._again.setdefault((node[0], flight.lane if flight else Lane.LIVE), {})[node[1]] = None
        self._let_fill(node[0])

    def _retry(self, job: Job) -> None:
        """Make the next attempt of a failed unit of work due, where that time has come."""
        flight = self.inflight.flights.get(job.uow_id)
        if flight is None or job.held or job.retry_at is None or job.retry_at > self.draft.now:
            return
        result = retried(job, flight.fence, flight.losses, now=self.draft.now, turn=self.draft.number)
        assert result.job is not None
        assert result.move is not None
        self._move(result.move, flight, result.uow_state)
        self.draft.put(result.job)

    def _open(self, node: Node, job: Job | None, decision: Open) -> None:
        now, turn = self.draft.now, self.draft.number
        self.live.probes.use(node)
        if job is None:
            job = Job(node[0], self.timetable.period(node), JobState.EMBRYO, now, turn)
        # A final run that another machine asked for, before the context named this one, is one of many to this one.
        before = advance(JOB_LIFECYCLE, job.state, JobEvent.REVERTED) if job.state is JobState.FINAL_RUN else job.state
        job = replace(
            job,
            state=advance(JOB_LIFECYCLE, before, decision.event),
            run=job.run + 1,
            uow_state=UowState.REQUESTED,
            opened_turn=turn,
            again_at=self.timetable.states[job.process].again_at(now) or (job.again_at if decision.event is JobEvent.FINAL else None),
            changed_at=now,
            turn=turn,
        )
        uow = self._unit_of(node, job, decision.slice)
        self.draft.put(job)
        if job.again_at and uow.slice:
            self.live.alarms.put(job.again_at, node)  # more may have come by then, and nobody may have claimed it
        self.draft.opened.append(uow)
        self.draft.messages.append(Message(uow.queue, uow.id))
        self.inflight.note(uow, node)

    def _unit_of(self, node: Node, job: Job, slice_: str) -> UnitOfWork:
        """Return the unit of work of a job as it is opened in this turn."""
        qualifier, group = self.timetable.states[job.process].qualifier, self.topology.group(*node)
        start, end = id_of(qualifier, group.start), id_of(qualifier, group.stop)
        queue = queue_in(self.context.managed[job.process].queue, self.frontiers[job.process].lane(node[1]))
        now, turn, node_id = self.draft.now, self.draft.number, (job.process, job.timeperiod)
        return UnitOfWork(job.uow_id, *node_id, queue, start, end, opened_at=now, turn=turn, fence=job.fence, slice=slice_)

    # -- the second look

    def look_again(self, count: int) -> int:
        """Decide up to `count` open candidates that nothing marked; returns how many of them were owed something: a fault, counted."""
        found = 0
        for _ in range(0 if self._left else min(count, len(self._round))):
            process = self._round[0]
            self._round.rotate(-1)
            ordinal = self.frontiers[process].look_again()
            if ordinal is not None and isinstance(self.decision((process, ordinal)), Open | Close):
                found += 1
                self.mark((process, ordinal))
                log.error("%s %s was owed a decision and nothing marked it", process, self.timetable.period((process, ordinal)))
        return found
