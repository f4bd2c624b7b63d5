"""Which finished periods are still to be reopened, after a change of the context was applied so? Done bit by bit, a turn each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise

from db.model import ProcessRow
from db.store import Store
from scheduler.board import Board
from scheduler.commands import records_of, take
from scheduler.plans import MOST_STEPS, Action, reprocess, reprocess_nodes
from scheduler.timetable import id_of, ordinal_of
from system.timeperiod import Qualifier

REASON = "the context was changed and applied with --reopen"
_AT_ONCE = 500


def reopen_owed(board: Board, store: Store) -> bool:
    """Reopen the next of the periods that a change of the context left to be reopened; returns whether there are more.

    What one turn reopens leaves its process's row in the same turn, so that a crash neither forgets nor repeats any.
    """
    table = board.timetable
    owing = [row for row in table.registered.values() if row.reopen and row.name in table.states]
    if not owing:
        return False
    row = owing[0]
    states = table.states[row.name]
    left = [ordinal for ordinal in ordinals_of(states.qualifier, row.reopen) if states.first <= ordinal]
    count = _AT_ONCE
    while len(reach := reprocess_nodes(board, [(row.name, ordinal) for ordinal in left[:count]])) > MOST_STEPS and count > 1:
        count //= 2
    named = [(row.name, ordinal) for ordinal in left[:count]]
    for step in reprocess(board, records_of(board, store, reach), named).steps:
        if not (step.action is Action.REOPEN_AFTER and step.job and step.job.next_event):
            take(step, REASON, board)
    board.draft.register(replace(row, reopen=ranges_of(states.qualifier, left[count:]), turn=board.draft.number))
    return len(owing) > 1 or len(left) > count


def ordinals_of(qualifier: Qualifier, ranges: str) -> Iterator[int]:
    """Yield the periods of ranges as a row holds them, such as `2013010100..2013010300 2013020100..2013020200`."""
    for text in ranges.split():
        first, _, until = text.partition("..")
        yield from range(ordinal_of(qualifier, first), ordinal_of(qualifier, until))


def ranges_of(qualifier: Qualifier, ordinals: Iterable[int]) -> str:
    """Return periods, in order, as ranges in a row."""
    found = sorted(ordinals)
    if not found:
        return ""
    breaks = [at + 1 for at, (one, other) in enumerate(pairwise(found)) if other != one + 1]
    parts = [found[low:high] for low, high in pairwise([0, *breaks, len(found)])]
    return " ".join(f"{id_of(qualifier, part[0])}..{id_of(qualifier, part[-1] + 1)}" for part in parts)


def with_reopen(row: ProcessRow, ranges: str) -> ProcessRow:
    """Return `row` owing the reopening of `ranges` as well as what it owed before."""
    return replace(row, reopen=" ".join(part for part in (row.reopen, ranges) if part))
