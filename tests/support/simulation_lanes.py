"""Is live work requested before backfill? By brute force: who opens backfill leaves no live period behind that could have run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator
from dataclasses import dataclass

from db.model import Turn
from system.lanes import Lane, lane_of
from system.lifecycle import JobState, UowState
from tests.support.simulation_book import Book, Jobs, Node, must, node_of, state_of
from tests.support.simulation_plan import WINDOW


@dataclass(frozen=True, slots=True)
class Precedence:
    """Judges turns. Of periods whose age leaves their lane in doubt, or that ask a source first, nothing is said."""

    book: Book

    def judge(self, turn: Turn, before: Jobs, after: Jobs, unclear: Container[str], off: Container[str]) -> None:
        """Judge what a turn opened. `unclear` are processes of which nobody knows when they are due, `off` those that are off after it."""
        lanes = [lane_of(uow.queue) for uow in turn.opened if uow.process in self.book.processes]
        if Lane.BACKFILL not in lanes:
            return
        possible = {node for node in self._possible(turn, before) if node[0] not in unclear and node[0] not in off}
        opened = [node_of(uow) for uow in turn.opened if uow.process in self.book.processes]
        late = [node for node in opened[lanes.index(Lane.BACKFILL) :] if node in possible]
        must(not late, "turn", turn.number, "requested backfill before", late)
        left = [node for node in possible if self._is_left(node, after) and self._has_room(node, after)]
        must(not left, "turn", turn.number, "requested backfill and left", left, "alone, which is live and could run")

    def _possible(self, turn: Turn, before: Jobs) -> Iterator[Node]:
        """Yield the live periods that could run when the turn began: discrete ones, due, with an open gate."""
        for node in self.book.nodes:
            job, process = before.get(node), self.book.processes[node[0]]
            is_free = state_of(before, node) is JobState.EMBRYO and not (job and job.held) and not self.book.is_missed(node, before)
            if process.is_live or not is_free or not self.book.runs(node) or self.book.close(node) > turn.decided_at:
                continue
            if self.book.lane(node, turn.decided_at) == "live" and self._is_open(node, before):
                yield node

    def _is_open(self, node: Node, jobs: Jobs) -> bool:
        return self.book.is_open(node, jobs) and not self.book.is_shut_for_good(node, jobs)

    def _is_left(self, node: Node, after: Jobs) -> bool:
        """Return whether nothing was done to a period, and its gate is still open."""
        job = after.get(node)
        return state_of(after, node) is JobState.EMBRYO and not (job and job.held) and self._is_open(node, after)

    def _has_room(self, node: Node, after: Jobs) -> bool:
        """Return whether one more of its process could be requested: as the turns know it, so rather fewer than really can."""
        most = self.book.processes[node[0]].max_in_flight
        states = Counter(job.uow_state for job in after.values() if job.process == node[0])
        requested = states[UowState.REQUESTED]
        busy = requested + states[UowState.IN_PROGRESS] + states[UowState.INVALID]
        return requested < WINDOW and (not most or busy < most)
