"""Has the simulation teeth? With each safeguard switched off, a violation is found within 300 histories."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count

import pytest

from db.memory import MemoryStore
from db.model import Cancel, Job, Turn, UnitOfWork, Widening
from mq.broker import Delivery
from scheduler import admission, board, commands, continuous, late_rows, machines, plans, recomputing, trees, why
from scheduler.board import Board
from scheduler.decisions import Close, Decision, Input, Occasion, Open, Revert, Wait
from scheduler.desk import Desk
from scheduler.engine import Engine
from scheduler.followers import Supposed
from scheduler.late_rows import LateRows
from scheduler.live_moves import LiveMoves
from scheduler.parents import Emptied
from scheduler.probing import Probes
from scheduler.settlement import reopened
from scheduler.slices import slice_text
from scheduler.sweep import Findings, Sweep
from scheduler.timetable import ordinal_of
from system.calendars import Calendar
from system.lanes import Lane
from system.lifecycle import JobEvent, JobState, UowState
from tests.support.simulation_search import first_wrong, seeds_with
from workers import worker
from workers.intake import Intake
from workers.tasks import task_of

Patch = Callable[[pytest.MonkeyPatch], None]


def without_fence(patch: pytest.MonkeyPatch) -> None:
    claim = MemoryStore.claim

    def claim_again(self: MemoryStore, ids: Sequence[str], session: str, at: datetime) -> list[UnitOfWork]:
        won = [replace(uow, fence=uow.fence - 1) for uow in claim(self, ids, session, at)]
        for uow in won:
            self._put_uow(uow)
        return won

    patch.setattr(MemoryStore, "claim", claim_again)
    without_fenced_outcomes(patch)


def without_fenced_outcomes(patch: pytest.MonkeyPatch) -> None:
    def anyones(self: MemoryStore, uow_id: str, session: str, fence: int) -> UnitOfWork | None:
        uow = self._uows.get(uow_id)
        return uow if uow and uow.state is UowState.IN_PROGRESS else None

    patch.setattr(MemoryStore, "_claimed", anyones)


def without_unique_turns(patch: pytest.MonkeyPatch) -> None:
    insert = MemoryStore.insert_turn

    def insert_anyhow(self: MemoryStore, turn: Turn) -> bool:
        insert(self, turn)
        self._turns[turn.number] = turn
        return True

    patch.setattr(MemoryStore, "insert_turn", insert_anyhow)


def without_replay(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Engine, "replay", lambda self: None)


def without_sweep(patch: pytest.MonkeyPatch) -> None:
    # Commands are still read: without them nearly every history would be wrong, and this would show nothing.
    patch.setattr(Sweep, "read", lambda self, board, session: Findings(commands=self._store.open_commands(100)))
    patch.setattr(Sweep, "messages_missing", lambda self, board: [])


def without_window(patch: pytest.MonkeyPatch) -> None:
    endless = property(lambda self: 1_000_000, lambda self, value: None)
    patch.setattr(Board, "window", endless, raising=False)


def without_waiting_for_the_end(patch: pytest.MonkeyPatch) -> None:
    def call_off_at_once(board: Board, job: Job, event: JobEvent, reason: str) -> bool:
        node = (job.process, ordinal_of(board.timetable.states[job.process].qualifier, job.timeperiod))
        now, turn = board.draft.now, board.draft.number
        board.draft.cancels.append(Cancel(job.uow_id, reason))
        board.inflight.settled(job.uow_id)
        skipped = replace(job, state=JobState.SKIPPED, uow_state=UowState.CANCELED, reason=reason, turn=turn)
        board.reopen(node, reopened(job, now=now, turn=turn, reason=reason) if event is JobEvent.REOPENED else skipped)
        return True

    patch.setattr(commands, "call_off", call_off_at_once)


def without_zones(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Calendar, "moves", lambda self, qualifier: False)


def without_zones_in_windows(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(worker, "task_of", lambda uow, processes, calendars: task_of(uow, processes))


def without_a_last_run_for_all(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(continuous, "missing", lambda inputs: ())


def without_reverts(patch: pytest.MonkeyPatch) -> None:
    decide = continuous.decide

    def never_back(job: Job | None, inputs: Sequence[Input], blocking: str, occasion: Occasion) -> Decision:
        decision = decide(job, inputs, blocking, occasion)
        if isinstance(decision, Revert) and job is not None and job.uow_state is UowState.PROCESSED:
            return Close(JobEvent.PROCESSED)
        return Wait(()) if isinstance(decision, Revert) else decision

    patch.setattr(machines, "MACHINES", {**machines.MACHINES, "continuous": never_back})
    patch.setattr(board, "MACHINES", machines.MACHINES)


def without_frequency(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(continuous, "_each_time", lambda job, occasion: Open())


def without_names_of_what_was_skipped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(plans, "_is_operators", lambda job: False)


def without_dependants_of_what_is_reprocessed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(plans, "reprocess_nodes", lambda board, nodes: list(nodes))


def without_descendants_of_what_is_skipped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(plans, "skip_nodes", lambda board, nodes: list(nodes))


def without_followers_of_what_is_skipped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Supposed, "followers", lambda self, nodes, most: [])


def without_holds(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(board, "held", lambda job: Open())


def without_groups(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(trees, "group_of", lambda qualifier, ordinal, grouping: range(ordinal, ordinal + 1))


def without_the_ends_of_childrens_groups(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(trees.Topology, "awaited_of", trees.Topology.children_of)


def without_the_causes_of_causes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(why, "_deeper", lambda scene, blocker, process, depth: blocker)


def without_turns_after_the_first_that_was_read(patch: pytest.MonkeyPatch) -> None:
    read = Desk._read
    patch.setattr(Desk, "_read", lambda self: self._timetable or read(self))


def without_precedence_of_live_work(patch: pytest.MonkeyPatch) -> None:
    take, turns = Intake._take, count()

    def blind_at_times(self: Intake, lane: Lane, most: int, running: Container[str]) -> list[Delivery]:
        return [] if lane is Lane.LIVE and next(turns) % 2 else take(self, lane, most, running)

    patch.setattr(Intake, "_take", blind_at_times)


def without_a_place_that_backfill_leaves(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(admission, "places_for_backfill", lambda most: most)


def without_asking_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Probes, "heard", lambda self, node, now: self._heard.get(node, (None, now))[0])


def without_asking_once_it_is_closed(patch: pytest.MonkeyPatch) -> None:
    question = LiveMoves.question
    patch.setattr(LiveMoves, "question", lambda self, node, *, is_closed: question(self, node, is_closed=True))


def without_the_whole_window_in_the_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(recomputing, "slice_text", lambda extent, _: slice_text(extent, extent.lowest))


def without_late_rows(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LateRows, "reopen", lambda self, board, store: None)


def without_dependants_of_late_rows(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(late_rows, "reprocess_nodes", lambda board, nodes: list(nodes))


def without_claims_that_end_widening(patch: pytest.MonkeyPatch) -> None:
    def widen(self: MemoryStore, widening: Widening, number: int) -> None:
        if uow := self._uows.get(widening.uow_id):
            self._put_uow(replace(uow, slice=widening.slice))

    patch.setattr(MemoryStore, "_widen", widen)


def without_parents_that_go_with_their_children(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Emptied, "skipped", lambda self, node: None)


TEETH = [
    without_fence,
    without_fenced_outcomes,
    without_unique_turns,
    without_replay,
    without_sweep,
    without_window,
    without_waiting_for_the_end,
    without_zones,
    without_zones_in_windows,
    without_a_last_run_for_all,
    without_reverts,
    without_frequency,
    without_names_of_what_was_skipped,
    without_dependants_of_what_is_reprocessed,
    without_descendants_of_what_is_skipped,
    without_followers_of_what_is_skipped,
    without_holds,
    without_parents_that_go_with_their_children,
    without_groups,
    without_the_ends_of_childrens_groups,
    without_the_causes_of_causes,
    without_turns_after_the_first_that_was_read,
    without_precedence_of_live_work,
]


OF_SOURCES = [
    without_asking_again,
    without_asking_once_it_is_closed,
    without_the_whole_window_in_the_end,
    without_late_rows,
    without_dependants_of_late_rows,
    without_claims_that_end_widening,
]


@pytest.mark.parametrize("switch_off", TEETH, ids=lambda patch: patch.__name__)
def test_a_safeguard_that_is_switched_off_is_missed(switch_off: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    switch_off(monkeypatch)
    assert first_wrong()


@pytest.mark.parametrize("switch_off", OF_SOURCES, ids=lambda patch: patch.__name__)
def test_a_safeguard_of_sources_that_is_switched_off_is_missed(switch_off: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    switch_off(monkeypatch)
    assert first_wrong(seeds_with(lambda plan: any(process.source for process in plan.context.managed.values())))


def test_a_place_that_is_not_kept_for_live_work_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    without_a_place_that_backfill_leaves(monkeypatch)
    apt = seeds_with(lambda plan: "jump" not in plan.kinds and any(p.max_in_flight > 1 for p in plan.context.managed.values()))
    assert "is kept for live work" in first_wrong(apt)


def test_slots_that_outlive_their_workers_lease_are_found_out() -> None:
    # Only a worker that stands still, or can't beat, during a long attempt shows it: of such histories there are few.
    apt = seeds_with(lambda plan: plan.long > 0.2 and {"pause", "store away"} <= plan.kinds)
    assert "two attempts at once" in first_wrong(apt, ignore_deadline=True)
