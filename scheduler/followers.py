"""Whom does a skip skip, too? Those whose gate it closes for good, parents it leaves nothing of, and whom these skip. Pure."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterable

from scheduler.board import Board
from scheduler.decisions import Close
from scheduler.parents import is_emptied, parent_of, runs
from scheduler.timetable import Node, Timetable
from system.lifecycle import JobEvent, JobState


class Supposed:
    """The timetable of a board as it will be once some periods are skipped. The board's own stays as it is."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._timetable: Timetable = copy.copy(board.timetable)
        self._timetable.states = dict(board.timetable.states)
        self._skipped: set[Node] = set()
        self._copied: set[str] = set()

    def skip(self, nodes: Iterable[Node]) -> None:
        """Suppose that `nodes` are skipped."""
        for node in nodes:
            process, ordinal = node
            if process not in self._copied:
                self._copied.add(process)
                self._timetable.states[process] = self._timetable.states[process].copy()
            self._timetable.states[process][ordinal] = JobState.SKIPPED
            self._skipped.add(node)

    def followers(self, nodes: Iterable[Node], most: int, *, at_once: bool = False) -> list[Node]:
        """Return whom the skip of `nodes`, supposed already, skips; each after its inputs, and supposed from now on.

        Stops behind `most` of them. `at_once`: without a parent whose unit of work has to end first.
        """
        found: dict[Node, None] = {}
        waiting = deque(nodes)
        while waiting and len(found) <= most:
            node = waiting.popleft()
            for user in self._board.topology.affected_by(*node):
                if user not in self._skipped and (self._is_closed_to(user) or self._is_emptied(user, node, at_once=at_once)):
                    self.skip([user])
                    found[user] = None
                    waiting.append(user)
        return list(found)

    def _is_closed_to(self, node: Node) -> bool:
        decision = self._board.decision(node, self._timetable)
        return isinstance(decision, Close) and decision.event is JobEvent.SKIPPED

    def _is_emptied(self, node: Node, child: Node, *, at_once: bool) -> bool:
        is_parent = node == parent_of(self._board.topology, child)
        may_be = is_parent and not (at_once and runs(self._board.timetable.active.get(node)))
        return may_be and is_emptied(self._board.topology, self._timetable, node)
