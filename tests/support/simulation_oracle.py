"""Did a history go right? Judged by brute force from the context, the turns, the final records and the marks of real starts and ends.

Knows nothing of the engine: periods come from the calendar, gates and finalization from REFERENCE 1.3 and 1.4.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from math import inf

from db.memory import MemoryStore
from db.model import Chunk, Command, Job, Switch, Turn, UnitOfWork
from db.store import nothing
from system.clock import ManualClock
from system.lanes import Lane, lane_of
from system.lifecycle import JOB_FINISHED, UOW_FINISHED, JobEvent, JobState, UowEvent, UowState
from system.schedule import Every, parse_schedule
from system.timeperiod import parse
from tests.support.simulation_book import Book, Jobs, Node, must, node_of, state_of
from tests.support.simulation_catchup import Catchup, is_untouched
from tests.support.simulation_clerks import Clerks
from tests.support.simulation_covered import Covered
from tests.support.simulation_lanes import Precedence
from tests.support.simulation_orders import Orders
from tests.support.simulation_plan import WINDOW
from tests.support.simulation_spans import wrong_sums
from tests.support.virtual_slots import Mark
from workers.slots import Ending

_OUTCOMES = {JobState.PROCESSED: UowState.PROCESSED, JobState.NOOP: UowState.NOOP}


class WatchedStore(MemoryStore):
    """The one store of a history; watches what must hold at any time. `inserted_s` tells when each turn was inserted."""

    def __init__(self, clock: ManualClock, book: Book, latest: Callable[[], datetime] | None = None) -> None:
        super().__init__()
        self._clock = clock
        self._book = book
        self._latest = latest or clock.now
        self.latest: dict[int, datetime] = {}  # the latest time that anybody had seen when each turn was inserted
        self.inserted_s: dict[int, float] = {}
        self.began_s: dict[int, float] = {}  # when the round began in which each turn was decided
        self._rounds: dict[tuple[str, datetime], float] = {}
        self._asked: set[str] = set()  # REQUESTED because an engine wanted so, not because a claim came to nothing
        self._by_node: defaultdict[Node, list[str]] = defaultdict(list)
        self.after_turn: Callable[[Turn], None] = lambda turn: None
        self.waiting_live: Callable[[], Iterable[str]] = tuple  # whose messages wait for a worker, where that can be told
        self.called_off_s: dict[str, float] = {}  # since when a unit of work that had not ended was to be canceled

    def begins(self, session: str, now: datetime) -> None:
        """Note that a scheduler begins a round."""
        self._rounds.setdefault((session, now), self._clock.monotonic())

    def insert_turn(self, turn: Turn) -> bool:
        """See Store; no number is taken twice."""
        fresh = self._missing(turn)
        was_inserted = super().insert_turn(turn)
        if was_inserted:
            self._note(turn, [uow for uow in fresh if uow.id in self._uows])
            must(turn.number not in self.inserted_s, "turn", turn.number, "was inserted twice, now by", turn.session)
            must(turn.number == len(self.inserted_s) + 1, "turn", turn.number, "follows", len(self.inserted_s))
            self.inserted_s[turn.number] = self._clock.monotonic()
            self.latest[turn.number] = self._latest()
            self.began_s[turn.number] = self._rounds.get((turn.session, turn.decided_at), self._clock.monotonic())
        return was_inserted

    def project(self, turn: Turn, chunks: Sequence[Chunk], on_requested: Callable[[], None] = nothing) -> None:
        """See Store; the window holds, and nothing is requested beside what has not ended."""
        before = {move.uow_id: self._uows.get(move.uow_id) for move in turn.moves}
        fresh = self._missing(turn)
        super().project(turn, chunks)
        self._note(turn, fresh)
        for move in turn.moves:
            if move.event is UowEvent.RETRIED and self._uows.get(move.uow_id) is not before[move.uow_id]:
                self._asked.add(move.uow_id)
        for cancel in turn.cancels:
            found = self._uows.get(cancel.uow_id)
            if found is not None and found.state not in UOW_FINISHED:
                self.called_off_s.setdefault(found.id, self._clock.monotonic())
        self._judge_window(turn)
        self.after_turn(turn)
        on_requested()

    def _missing(self, turn: Turn) -> list[UnitOfWork]:
        return [uow for uow in turn.opened if uow.id not in self._uows]

    def _note(self, turn: Turn, fresh: Iterable[UnitOfWork]) -> None:
        """Judge and remember what can be claimed from now on."""
        for uow in fresh:
            # Of an entry several may run at once: each fire is one of its own.
            node = node_of(uow) if uow.process in self._book.processes else (uow.id, "")
            older = [name for name in self._by_node[node] if self._uows[name].state not in UOW_FINISHED]
            must(not older, uow.id, "was requested in turn", turn.number, "while not ended:", older)
            self._by_node[node].append(uow.id)
            self._asked.add(uow.id)

    def claim(self, ids: Sequence[str], session: str, at: datetime) -> list[UnitOfWork]:
        """See Store; what was called off is won by nobody, and backfill by nobody who might have had live work."""
        won = super().claim(ids, session, at)
        called_off = [uow.id for uow in won if uow.id in self.called_off_s]
        must(not called_off, called_off, "was called off and claimed by", session)
        backfill = [uow.id for uow in won if lane_of(uow.queue) is Lane.BACKFILL]
        live = [name for name in self.waiting_live() if name in self._asked and self._uows[name].state is UowState.REQUESTED]
        must(not (backfill and live), session, "claimed backfill", backfill, "while live work waits:", live)
        return won

    def _judge_window(self, turn: Turn) -> None:
        self._asked = {uow_id for uow_id in self._asked if self._uows[uow_id].state is UowState.REQUESTED}
        waiting: defaultdict[str, list[str]] = defaultdict(list)
        for uow_id in self._asked:
            waiting[self._uows[uow_id].queue].append(uow_id)
        for queue, ids in waiting.items():
            must(len(ids) <= WINDOW, f"turn {turn.number} left {len(ids)} requested in {queue}, the window is {WINDOW}:", sorted(ids))

    def every_job(self) -> Jobs:
        """Return all records of jobs."""
        return self._jobs

    def every_uow(self) -> list[UnitOfWork]:
        """Return all units of work, the oldest first."""
        return list(self._uows.values())

    def every_command(self) -> Mapping[int, Command]:
        """Return all commands by number."""
        return self._commands

    def every_turn(self) -> list[Turn]:
        """Return all turns by number."""
        return [self._turns[number] for number in sorted(self._turns)]


@dataclass(slots=True)
class _Replay:
    """What the turns alone say, one after the other."""

    book: Book
    has_jumps: bool
    latest: Mapping[int, datetime]
    orders: Orders
    covered: Covered
    clerks: Clerks
    catchup: Catchup
    jobs: dict[Node, Job] = field(default_factory=dict)
    settled: dict[Node, int] = field(default_factory=dict)
    opened: dict[str, int] = field(default_factory=dict)
    queues: dict[str, str] = field(default_factory=dict)
    off: set[str] = field(default_factory=set)
    rescheduled: set[str] = field(default_factory=set)
    schedules: dict[str, tuple[str, datetime, int]] = field(default_factory=dict)  # what an operator has changed, when, by which turn
    opened_at: dict[str, datetime] = field(default_factory=dict)
    finals: dict[tuple[Node, int], int] = field(default_factory=dict)  # the turn that asked for a generation's final run
    losses: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def apply(self, turn: Turn) -> None:
        """Take a turn over and judge what it decided."""
        before = dict(self.jobs)
        self.catchup.apply(turn)
        self.rescheduled.update(switch.process for switch in turn.switches if switch.frequency)
        for switch in turn.switches:
            self._reschedule(switch, turn)
            (self.off.discard if switch.is_on else self.off.add)(switch.process)
        begun = [uow.id for uow in turn.opened] + [move.uow_id for move in turn.moves if move.event is UowEvent.RETRIED]
        wrong = [uow_id for uow_id in begun if uow_id.split("/")[0] in self.off]
        must(not wrong, "turn", turn.number, "requested of a process that is off:", wrong)
        for job in turn.jobs:
            must(job.turn == turn.number, "turn", turn.number, "holds a job of turn", job.turn)
            # What ends no group has no data: nobody runs again for it.
            if job.state in JOB_FINISHED and state_of(before, node_of(job)) not in JOB_FINISHED and self.book.runs(node_of(job)):
                self.settled[node_of(job)] = turn.number
            self.jobs[node_of(job)] = job
        for move in turn.moves:
            self.losses[move.uow_id] += move.event in (UowEvent.LOST, UowEvent.LOST_TOO_OFTEN)
        self.orders.judge(turn, before, self.jobs, self.covered.judge_late(turn, before, self.jobs))
        self.clerks.apply(turn)
        for uow in turn.opened:
            if uow.process in self.book.processes:
                self._judge_opening(uow, turn, before)
        for job in turn.jobs:
            if job.state in JOB_FINISHED:
                self._judge_end(job, turn, state_of(before, node_of(job)))
                self._judge_parent(job, turn, before)
        if not self.has_jumps:
            Precedence(self.book).judge(turn, before, self.jobs, self.rescheduled, self.off)
        self._judge_limits(turn)

    def _reschedule(self, switch: Switch, turn: Turn) -> None:
        own = self.book.processes[switch.process].trigger_frequency
        before = self.schedules.get(switch.process, (own,))[0]
        if (after := switch.frequency or own) != before:
            self.schedules[switch.process] = after, turn.decided_at, turn.number

    def _judge_opening(self, uow: UnitOfWork, turn: Turn, before: Jobs) -> None:
        must(uow.id not in self.opened, uow.id, "was opened in turns", self.opened.get(uow.id), "and", turn.number)
        self.opened[uow.id] = turn.number
        self.queues[uow.id] = uow.queue
        self.opened_at[uow.id] = turn.decided_at
        node, job = node_of(uow), self.jobs[node_of(uow)]
        must(self.book.runs(node), uow.id, "was opened in turn", turn.number, "and ends no group")
        must(job.uow_id == uow.id and uow.turn == turn.number, uow.id, "was opened for", job)
        must(not job.held, uow.id, "was opened in turn", turn.number, "for a job that is held:", job)
        lane = "backfill" if uow.queue.endswith("_backfill") else "live"
        is_as_planned = not self.has_jumps and node[0] not in self.rescheduled  # else what is history may be another matter
        is_right = not is_as_planned or self.book.lane(node, turn.decided_at) in ("", lane)
        must(is_right, uow.id, "was opened", turn.decided_at, "in", uow.queue)
        must(job.fence == uow.fence, uow.id, "begins with fence", uow.fence, "after", job.fence)
        self.catchup.judge_opening(job, before.get(node), turn)
        self.covered.judge_opening(uow, before.get(node), is_final=job.state is JobState.FINAL_RUN)
        if self.book.processes[node[0]].is_live:
            self._judge_live_run(uow, job, turn, before)
            return
        if job.run == 1:
            must(self.book.is_open(node, self.jobs), uow.id, "was opened in turn", turn.number, "behind a closed gate")
            return
        last = before[node]
        must(last.generation == job.generation and last.run == job.run - 1, uow.id, "was opened after", last.uow_id)
        unfinished = self.book.missing(node, self.jobs)
        must(not unfinished, uow.id, "is a rerun before its inputs:", unfinished)
        since = self.opened[last.uow_id]
        must(any(self.settled.get(n, 0) > since for n in self.book.inputs(node)), uow.id, "is a rerun that no later input justifies")

    def _judge_live_run(self, uow: UnitOfWork, job: Job, turn: Turn, before: Jobs) -> None:
        """Judge a run of a process that runs while its period is open: REFERENCE 1.4."""
        node, missing, last = node_of(uow), self.book.missing(node_of(uow), self.jobs), before.get(node_of(uow))
        is_over = self.book.close(node) <= turn.decided_at
        must(self.latest[turn.number] >= self.book.begin(node), uow.id, "was opened before its period began, in turn", turn.number)
        if job.run > 1:
            must(last and (last.generation, last.run) == (job.generation, job.run - 1), uow.id, "was opened after", last)
        if job.state is JobState.FINAL_RUN:
            since = self.finals.get((node, job.generation), turn.number)
            self.finals[node, job.generation] = turn.number
            must(not missing, uow.id, "is a final run before its inputs:", missing)
            must(self.latest[turn.number] >= self.book.close(node), uow.id, "is a final run, and its period is open in turn", turn.number)
            is_justified = since == turn.number or any(self.settled.get(n, 0) > since for n in self.book.inputs(node))
            must(is_justified, uow.id, "is one more final run that no later input justifies")
            return
        # What it waits for may have ended in the same turn, after it was decided on.
        was_missing = missing or self.book.missing(node, before)
        must(was_missing or not is_over, uow.id, "opened in turn", turn.number, "is to be a final run")
        if job.run == 1:
            must(not is_over or self.book.is_open(node, self.jobs), uow.id, "was opened in turn", turn.number, "behind a closed gate")
            return
        began = self.opened_at[f"{node[0]}/{node[1]}/{job.generation}/{job.run - 1}"]
        own = self.book.processes[node[0]].trigger_frequency
        text, changed_at, number = self.schedules.get(node[0], (own, began, 0))
        is_changed = number > self.opened[f"{node[0]}/{node[1]}/{job.generation}/{job.run - 1}"]
        schedule, began = parse_schedule(text), changed_at if is_changed else began  # another schedule counts from its change on
        due = began + timedelta(seconds=schedule.seconds) if isinstance(schedule, Every) else schedule.next_fire(began)
        is_right = due <= turn.decided_at or " triggered it: " in job.reason
        must(is_right, uow.id, "was opened", turn.decided_at, "counting from", began, "and is due by", text, "at", due)

    def _judge_end(self, job: Job, turn: Turn, before: JobState) -> None:
        node = node_of(job)
        is_live = self.book.processes[node[0]].is_live
        if job.state is JobState.SKIPPED:
            is_shut = job.run == 0 and self.book.has_skipped_dependency(node, self.jobs)
            is_emptied = self.book.is_emptied(node, self.jobs, turn.number)
            is_due = is_shut or is_emptied or job.uow_state is UowState.CANCELED or self.orders.is_skip(job)
            must(is_due, job.uow_id, "was skipped in turn", turn.number, "for no reason:", job)
            is_lost = is_live and job.good_runs and not is_emptied and not job.reason.startswith("operator")
            must(not is_lost, job.uow_id, "was skipped in turn", turn.number, "with good runs:", job)
            return
        if not self.book.runs(node):
            is_over = job.state is JobState.NOOP and job.run == 0 and self.latest[turn.number] >= self.book.close(node)
            must(is_over, node, "ends no group, and is", job, "in turn", turn.number)
            return
        if self.catchup.is_passed_over(job):
            unfinished = self.book.missing(node, self.jobs)
            must(not unfinished, job, "was passed over in turn", turn.number, "before", unfinished)
            return
        is_final = before is JobState.FINAL_RUN
        may_do_without = self.book.processes[node[0]].state_machine_name == "recomputing"
        must(is_final or not is_live or may_do_without, job.uow_id, "is", job.state.label, "without a final run:", before.label)
        is_as_it_ended = job.run == 0 or job.uow_state is _OUTCOMES[job.state]
        must(is_as_it_ended, job.uow_id, "is", job.state.label, "and its unit of work", job.uow_state)
        unfinished = self.book.missing(node, self.jobs)
        must(not unfinished, job.uow_id, "was finished in turn", turn.number, "before", unfinished)
        since = self.opened.get(job.uow_id, turn.number)
        self.covered.judge_end(job, since if is_final else turn.number)
        if job.run == 0:
            must(may_do_without and job.state is JobState.NOOP, job, "was finished in turn", turn.number, "and never ran")
            return
        # One of several that was not needed any more may have been settled in the same turn, after this.
        unneeded = {n for n in self.book.unneeded(node) if self.settled.get(n, 0) == turn.number}
        stale = [(n, self.settled[n]) for n in self.book.inputs(node) if self.settled.get(n, 0) > since and n not in unneeded]
        must(not stale, job.uow_id, "opened in turn", since, "is finished and stale, its inputs were settled in", stale)

    def _judge_parent(self, job: Job, turn: Turn, before: Jobs) -> None:
        """Judge that a parent goes with the last of its children, whatever skipped each of them, and in whatever order: REFERENCE 1.5."""
        if job.state is not JobState.SKIPPED or state_of(before, node_of(job)) is JobState.SKIPPED:
            return
        for parent in self.book.users[node_of(job)]:
            if node_of(job) not in self.book.inside[parent] or not all(
                state_of(self.jobs, child) is JobState.SKIPPED for child in self.book.inside[parent] if self.book.runs(child)
            ):
                continue
            after = self.jobs.get(parent)
            is_anew = after is not None and after.turn == turn.number and (after.generation > 1 or after.next_event is JobEvent.REOPENED)
            is_over = after is not None and (after.state in JOB_FINISHED or after.next_event is JobEvent.SKIPPED)
            must(is_over or is_anew, parent, "is left in turn", turn.number, "and nothing of it is:", after)

    def _judge_limits(self, turn: Turn) -> None:
        busy: defaultdict[str, int] = defaultdict(int)
        backfill: defaultdict[str, int] = defaultdict(int)
        for job in self.jobs.values():
            is_busy = job.uow_state in (UowState.REQUESTED, UowState.IN_PROGRESS)
            busy[job.process] += is_busy
            backfill[job.process] += is_busy and self.queues[job.uow_id].endswith("_backfill")
        for uow in turn.opened:
            if uow.queue.endswith("_backfill") and backfill[uow.process] > 1 and not self.has_jumps and uow.process not in self.rescheduled:
                most, last = self.book.processes[uow.process].max_in_flight, self.book.last[uow.process]
                keeps = most > 1 and self.book.lane((uow.process, last), turn.decided_at) == "live"
                must(not keeps or backfill[uow.process] < most, uow.id, "takes the place that is kept for live work, turn", turn.number)
        for name, count in busy.items():
            most = self.book.processes[name].max_in_flight
            must(not most or count <= most, f"{count} jobs of {name} were in flight after turn {turn.number}, of {most}")


def judge(
    book: Book, store: WatchedStore, marks: Sequence[Mark], second_looks: Sequence[int], covered: Covered, *, is_calm: bool,
    has_jumps: bool, punctual_but: Sequence[float] | None = None,
) -> None:
    """Raise Violation unless a history that is over went right. `is_calm`: nothing went wrong in it, so nothing may have been lost.

    `has_jumps`: the clock was set back now and then, so that no age says what a scheduler held for history.
    `punctual_but`: where somebody led all the time, so that each fire was made at its moment, the moments at which the clock was set.
    """
    uows = {uow.id: uow for uow in store.every_uow()}
    covered.take(marks, list(uows.values()))
    turns, commands = store.every_turn(), store.every_command()
    must([turn.number for turn in turns] == list(range(1, len(turns) + 1)), "turns are not consecutive")
    clerks = Clerks(book.context, commands)
    replay = _Replay(book, has_jumps, store.latest, Orders(book, commands, uows), covered, clerks, Catchup(book, commands))
    replay.rescheduled |= {name for name, process in book.processes.items() if not process.trigger_frequency.startswith("every")}
    # As of the turn that is judged: the store knows how it ended, and forgets of what was missed what is finished.
    book.is_missed = lambda node, jobs: is_untouched(jobs.get(node)) and node in replay.catchup.missed
    for turn in turns:
        replay.apply(turn)
    _judge_records(replay, store)
    owed = book.owed(store.every_job())
    must(not owed, "owed when all was quiet:", owed[:5])
    must(not store.open_commands(1), "a command has no answer:", store.open_commands(1))
    must(not any(second_looks), "the second look found", sum(second_looks))
    must(not is_calm or not any(replay.losses.values()), "nothing went wrong, and claims were lost:", dict(replay.losses))
    if punctual_but is not None:
        clerks.judge_punctual(store.inserted_s, covered.reached_s, punctual_but)
    clerks.judge(store.every_uow(), marks, store.entries(), replay.losses)
    _judge_attempts(replay, store, [mark for mark in marks if not clerks.is_fire(mark)])
    sums = wrong_sums(book.context, book.inside, marks)
    must(not sums, "children do not sum to their parents:", sums[:3])
    if is_calm:
        _judge_patience(store, marks, 3.0)


def _judge_patience(store: WatchedStore, marks: Sequence[Mark], patience_s: float) -> None:
    """What was called off ends soon, where nothing goes wrong."""
    for mark in marks:
        since_s = store.called_off_s.get(mark.uow_id, inf)
        must((mark.end_s or 0.0) <= since_s + patience_s, mark, "was called off at", since_s)


def _judge_records(replay: _Replay, store: WatchedStore) -> None:
    """The turns alone give the records."""
    opened, found = {*replay.opened, *replay.clerks.opened}, {uow.id for uow in store.every_uow()}
    must(opened == found, "turns and units of work differ:", sorted(opened ^ found)[:4])
    must(replay.jobs == store.every_job(), "turns and jobs differ:", sorted(replay.jobs.items() ^ store.every_job().items(), key=str)[:4])
    for node, job in replay.jobs.items():
        if job.uow_state is not None and not replay.book.is_restless(node, replay.jobs):
            for uow in store.uows([job.uow_id]):
                must(uow.state is job.uow_state, job.uow_id, "is", job.uow_state, "by its job and", uow)
                must(uow.state not in UOW_FINISHED or uow.fence == job.fence, job.uow_id, "ended with another fence than", job.fence)
    seen: dict[tuple[str, int], int] = {}
    for chunk in store.chunks(list(replay.book.processes)):
        seen.update({(chunk.process, chunk.first + at): state for at, state in enumerate(chunk.states) if state})
    wanted = {
        (name, parse(replay.book.processes[name].qualifier, text).ordinal): int(job.state)
        for (name, text), job in replay.jobs.items()
        if job.state is not JobState.EMBRYO
    }
    must(seen == wanted, "turns and chunks differ:", sorted(seen.items() ^ wanted.items())[:4])


def _judge_attempts(replay: _Replay, store: WatchedStore, marks: Sequence[Mark]) -> None:
    """Starts and ends as they really were: none beside another, fences grow, each justified, and the sink has the last success."""
    of_node: defaultdict[Node, list[Mark]] = defaultdict(list)
    of_uow: defaultdict[str, int] = defaultdict(int)
    for mark in marks:
        process, timeperiod = mark.uow_id.split("/")[:2]
        of_node[process, timeperiod].append(mark)
        of_uow[mark.uow_id] += 1
        is_restless = replay.book.is_restless((process, timeperiod), replay.jobs)
        must(mark.end_s is not None or is_restless, mark, "runs on")
        began_s = store.inserted_s[replay.opened[mark.uow_id]]
        must(mark.start_s >= began_s, mark, "before the turn that opened it, at", began_s)
    for uow in store.every_uow():
        is_kept = uow.id not in store.called_off_s or uow.state is UowState.CANCELED
        must(is_kept, uow.id, "was called off and ended", uow.state)
        most = 1 + uow.failures + replay.losses[uow.id]
        is_fair = of_uow[uow.id] <= most or replay.clerks.is_fire(uow)
        must(is_fair, f"{uow.id} ran {of_uow[uow.id]} times, {uow.failures} failures, {replay.losses[uow.id]} losses")
    for node, found in of_node.items():
        found.sort(key=lambda mark: mark.start_s)
        for one, other in pairwise(found):
            must((one.end_s or 0.0) <= other.start_s, "two attempts at once:", one, other)
            must(one.fence < other.fence, "fences do not grow:", one, other)
        _judge_sink(replay.jobs[node], store, found)


def _judge_sink(job: Job, store: WatchedStore, marks: Sequence[Mark]) -> None:
    """A sink that refuses smaller fences holds what the attempt wrote whose outcome counts."""
    sink = 0
    for mark in sorted((m for m in marks if m.ending is Ending.DONE), key=lambda mark: mark.end_s or 0.0):
        sink = max(sink, mark.fence)
    if job.state is JobState.PROCESSED:
        (uow,) = store.uows([job.uow_id])
        must(sink == uow.fence == uow.rows, f"{uow.id} was processed under fence {uow.fence}, its sink has {sink}, its rows {uow.rows}")
