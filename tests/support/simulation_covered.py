"""Was every row of a source covered by the run that should have covered it, and did late ones reopen their periods once? By brute force."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf

from db.model import Job, Turn, UnitOfWork
from system.lifecycle import JobEvent, JobState, UowState
from system.timeperiod import Timeperiod
from tests.support.simulation_book import PASSED_OVER, Book, Jobs, Node, must, node_of
from tests.support.simulation_rows import Answer, Row, Rows, figures_in, figures_of
from tests.support.virtual_slots import Mark

LATE = "late data: "
_GOOD = (UowState.PROCESSED, UowState.NOOP)


@dataclass(slots=True)
class Covered:
    """What the runs of recomputing processes covered.

    `began_s` and `inserted_s` tell when the round of a turn began and when the turn was inserted, `reached_s` when the clock first showed
    a time. An answer may be `fresh_s` old when it is used.
    """

    book: Book
    rows: Rows
    answers: Sequence[Answer] = ()
    began_s: Mapping[int, float] = field(default_factory=dict)
    inserted_s: Mapping[int, float] = field(default_factory=dict)
    reached_s: Callable[[datetime], float] = field(default=lambda _: 0.0)
    fresh_s: float = inf
    marks: dict[tuple[str, int], Mark] = field(default_factory=dict)
    uows: dict[str, UnitOfWork] = field(default_factory=dict)
    _answers: defaultdict[Node, list[Answer]] = field(default_factory=lambda: defaultdict(list))

    def take(self, marks: Iterable[Mark], uows: Iterable[UnitOfWork]) -> None:
        """Take in what really ran and how it ended."""
        self.marks = {(mark.uow_id, mark.fence): mark for mark in marks}
        self.uows = {uow.id: uow for uow in uows}
        for answer in self.answers:
            qualifier = self.book.processes[answer.process].qualifier
            self._answers[answer.process, Timeperiod(qualifier, answer.ordinal).id].append(answer)

    def judge_opening(self, uow: UnitOfWork, before: Job | None, *, is_final: bool) -> None:
        """Judge what a run is asked to cover: what a source has said, and something new but for the final one."""
        node = node_of(uow)
        if node[0] not in self.rows.of:
            return
        figures = figures_in(uow.slice)
        said = [self.rows.figures(node, answer.read_s) for answer in self._answers[node] if answer.given_s <= self.inserted_s[uow.turn]]
        must(figures in said, uow.id, "is to cover", figures, "and its source said", said[-3:])
        covered = figures_of(before) if before and before.generation == int(uow.id.split("/")[2]) else None
        must(is_final or figures != covered, uow.id, "is to cover", figures, "which", before, "has covered")

    def judge_end(self, job: Job, number: int) -> None:
        """Judge a finished job, whose final run was decided on in turn `number`, also where that was to have none."""
        node = node_of(job)
        if node[0] not in self.rows.of:
            return
        closed_s = self.reached_s(self.book.close(node))
        low_s, high_s = self.began_s[number] - self.fresh_s, self.inserted_s[number]
        fresh = [a for a in self._answers[node] if a.read_s >= closed_s and low_s <= a.given_s <= high_s]
        must(fresh, job.uow_id, "was decided on in turn", number, "and its source was not asked before")
        owed = self.rows.there(node, min(answer.read_s for answer in fresh))
        covered = self._covered(job)
        missed = [row for row in owed if row not in covered]
        must(not missed, job.uow_id, "is", job.state.label, "by turn", number, "and nothing has covered", missed[:3])

    def _covered(self, job: Job) -> set[Row]:
        """Return the rows that the runs of a job's generation read which ended well."""
        found: set[Row] = set()
        for run in range(1, job.run + 1):
            uow = self.uows[f"{job.process}/{job.timeperiod}/{job.generation}/{run}"]
            if uow.state in _GOOD:
                must((uow.id, uow.fence) in self.marks, uow.id, "ended well by claim", uow.fence, "under which nothing ran")
                mark = self.marks[uow.id, uow.fence]
                must(mark.slice is not None and figures_in(uow.slice) == _figures(mark.slice), uow.id, "says", uow.slice, "and ran", mark)
                read = self._read(job, mark)
                found = found | read if mark.slice and mark.slice["after"] is not None else read
        return found

    def _read(self, job: Job, mark: Mark) -> set[Row]:
        """Return the rows that an attempt found when it began: `after` < key <= `highest`."""
        assert mark.slice is not None
        after, highest = mark.slice["after"], mark.slice["highest"]
        assert isinstance(highest, int)
        assert after is None or isinstance(after, int)
        return {row for row in self.rows.there(node_of(job), mark.start_s) if (-inf if after is None else after) < row.key <= highest}

    def judge_late(self, turn: Turn, before: Jobs, after: Jobs) -> set[Node]:
        """Judge what a turn let start anew for rows that came late: that, and no less; returns what it may have let start anew for them."""
        roots = {node for node in before if node[0] in self.rows.of and self._is_late(node, turn, before, after)}
        reach = self.book.downstream(roots)
        touched = [job for job in turn.jobs if job.reason.startswith(LATE) and _is_anew(job, before.get(node_of(job)))]
        wrong = [job for job in touched if node_of(job) not in reach]
        must(not wrong, "turn", turn.number, "reopened for late rows, and only", roots, "have some:", wrong)
        if touched and not turn.answers:  # else what a command does to them is judged as that
            self._judge_whole(roots, before, after)
        return reach

    def _judge_whole(self, roots: set[Node], before: Jobs, after: Jobs) -> None:
        for node in self.book.downstream(roots, before):
            old, new = before.get(node), after.get(node)
            if old is not None and new is not None and old.state is not JobState.EMBRYO and not _is_given_up(old):
                is_anew = new.generation > old.generation or new.next_event is not None
                must(is_anew, roots, "were reopened for late rows, and what is made of them was left alone:", new)

    def _is_late(self, node: Node, turn: Turn, before: Jobs, after: Jobs) -> bool:
        """Return whether a turn reopened a period that had other rows than its last run covered."""
        is_anew = before[node].state in (JobState.PROCESSED, JobState.NOOP) and after[node].generation > before[node].generation
        has_run = before[node].reason != PASSED_OVER
        return is_anew and has_run and self.rows.figures(node, self.inserted_s[turn.number]) != figures_of(before[node])


def _is_anew(job: Job, old: Job | None) -> bool:
    """Return whether a turn let a job start anew, at once or after what runs; not whether it did what an earlier turn had asked for."""
    if old is None:
        return False
    was_asked = old.next_event is JobEvent.REOPENED
    return not was_asked and (job.generation > old.generation or job.next_event is JobEvent.REOPENED)


def _is_given_up(job: Job) -> bool:
    is_operators = job.state is JobState.SKIPPED and job.reason.startswith("operator")
    return is_operators or job.next_event is JobEvent.SKIPPED


def _figures(slice_: Mapping[str, object]) -> tuple[object, object, object]:
    return slice_["lowest"], slice_["highest"], slice_["count"]
