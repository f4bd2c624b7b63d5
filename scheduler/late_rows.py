"""Which finished periods have other rows in their source than their final run covered? They start anew, with all that is made of them.

Asked round robin: each time a process's schedule fires, some of its newest periods that may still get late rows. All of what is asked and
heard may be forgotten: whoever leads next asks again, and a period that has started anew is finished no more, so it does so once.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from db.model import Job
from db.source import Extent
from db.store import Store
from scheduler.board import Board
from scheduler.commands import records_of, take
from scheduler.decisions import NOT_CAUGHT_UP
from scheduler.plans import MOST_STEPS, Action, reprocess, reprocess_nodes
from scheduler.probing import Probed, Question
from scheduler.slices import covered_by
from scheduler.timetable import Node
from system.lifecycle import JobState

log = logging.getLogger(__name__)

# How many of a process's newest periods are asked about at all, and how many of them each time its schedule fires.
NEWEST = 100
AT_ONCE = 5
_COVERED = (JobState.PROCESSED, JobState.NOOP)


class LateRows:
    """What this scheduler has asked of finished periods, and heard."""

    def __init__(self) -> None:
        self._next: dict[str, tuple[datetime, str]] = {}  # when each process is asked about again, and by which schedule
        self._left: dict[str, list[int]] = {}
        self._asked: dict[Node, tuple[Question, int]] = {}
        self._heard: dict[Node, tuple[Probed, int]] = {}

    def next_at(self) -> datetime | None:
        """Return when time brings the next question."""
        return min((moment for moment, _ in self._next.values()), default=None)

    def hear(self, probed: Probed) -> None:
        """Take in what a source said, if it was asked about a finished period."""
        node = probed.question.node
        question, turn = self._asked.get(node, (None, 0))
        if question == probed.question:
            del self._asked[node]
            self._heard[node] = (probed, turn)

    def to_ask(self, board: Board) -> list[Question]:
        """Return what is to be asked now about finished periods."""
        found, now = [], board.draft.now
        for name, states in board.timetable.states.items():
            if not states.process.late_s or not states.is_on:
                self._next.pop(name, None)
                continue
            schedule = states.schedule.text
            moment, its_schedule = self._next.get(name, (now, schedule))
            if moment > now and its_schedule == schedule:
                continue
            again_at = states.again_at(now)
            assert again_at is not None  # it is recomputing: the check says so
            self._next[name] = (again_at, schedule)
            found += [board.live.question(node, is_closed=True) for node in self._some(name, board)]
        # An answer is about the job as it stands now: what a later turn makes of it is not compared with it.
        self._asked.update({question.node: (question, board.timetable.head) for question in found})
        return found

    def _some(self, name: str, board: Board) -> list[Node]:
        """Return the next periods of a process to be asked about; the newest first when all had their turn."""
        left = self._left.get(name) or _candidates(name, board)
        found = [(name, ordinal) for ordinal in left if (name, ordinal) not in self._asked and _is_finished((name, ordinal), board)]
        found = found[:AT_ONCE]
        self._left[name] = left[left.index(found[-1][1]) + 1 :] if found else []
        return found

    def reopen(self, board: Board, store: Store) -> None:
        """Let those periods start anew of which other rows were heard than their final run covered."""
        heard, self._heard = self._heard, {}
        told = {node: (probed, turn) for node, (probed, turn) in heard.items() if not probed.error and _is_finished(node, board)}
        if not told:
            return
        jobs = records_of(board, store, list(told))
        full = len(board.draft.jobs) + board.settings.looks
        for node, (probed, turn) in told.items():
            if len(board.draft.jobs) >= full:
                self._heard[node] = (probed, turn)  # for the next turn
                continue
            job = jobs.get(node)
            if job is not None and _is_finished(node, board) and (reason := late_reason(job, probed.extent, turn)):
                _reopen(node, reason, board, store)


def late_reason(job: Job, extent: Extent | None, turn: int) -> str:
    """Return why a finished job starts anew, empty where it need not. `extent`: of its rows, as asked when turn `turn` was the last."""
    covered = covered_by(job.covered)
    is_known = covered is not None or (job.state is JobState.NOOP and job.reason != NOT_CAUGHT_UP)
    # A record of a later turn may cover more than was asked about; one without a turn was archived, and what it covered with it.
    if not 0 < job.turn <= turn or not is_known or extent == covered:
        return ""
    found, before = (part.count if part else 0 for part in (extent, covered))
    return f"late data: {found} rows instead of {before}" if found != before else f"late data: other keys, {found} rows as before"


def _reopen(node: Node, reason: str, board: Board, store: Store) -> None:
    reach = reprocess_nodes(board, [node])
    if len(reach) > MOST_STEPS:
        log.error("%s %s: %s, but over %d jobs would start anew", node[0], board.timetable.period(node), reason, MOST_STEPS)
        return
    log.info("%s %s starts anew: %s", node[0], board.timetable.period(node), reason)
    for step in reprocess(board, records_of(board, store, reach), [node]).steps:
        if not (step.action is Action.REOPEN_AFTER and step.job and step.job.next_event):
            take(step, reason, board)


def _is_finished(node: Node, board: Board) -> bool:
    return board.timetable.states[node[0]][node[1]] in _COVERED


def _candidates(name: str, board: Board) -> list[int]:
    """Return the closed periods of a process that may still get late rows, the newest first."""
    states, topology = board.timetable.states[name], board.topology
    high = board.frontiers[name].due_end
    low = states.calendar.containing(states.qualifier, board.draft.now - timedelta(seconds=states.process.late_s))
    low, high = states.clip(max(low, high - NEWEST * states.process.time_grouping), high)
    ends = [ordinal for ordinal in range(low, high) if ordinal == topology.group(name, ordinal)[-1]]
    return [ordinal for ordinal in reversed(ends) if not topology.left_out(name, ordinal)]
