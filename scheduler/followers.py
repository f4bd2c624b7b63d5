"""Whom does a skip skip, too? Those whose gate it closes for good, and those whose gate these close, by the very gates. Pure."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterable

from scheduler.board import Board
from scheduler.decisions import Close
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

    def followers(self, nodes: Iterable[Node], most: int) -> list[Node]:
        """Return whom the skip of `nodes`, supposed already, skips; each after its inputs, and supposed from now on.

        Stops behind `most` of them.
        """
        found: dict[Node, None] = {}
        waiting = deque(nodes)
        while waiting and len(found) <= most:
            for user in self._board.topology.affected_by(*waiting.popleft()):
                if user not in self._skipped and self._is_closed_to(user):
                    self.skip([user])
                    found[user] = None
                    waiting.append(user)
        return list(found)

    def _is_closed_to(self, node: Node) -> bool:
        decision = self._board.decision(node, self._timetable)
        return isinstance(decision, Close) and decision.event is JobEvent.SKIPPED
