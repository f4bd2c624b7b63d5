"""Does a command do what its plan said? At every command of a history the desk, which reads nothing but the store, is asked just before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

from db.model import Command, Job
from db.store import Store
from mq.memory import MemoryBroker
from scheduler import engine
from scheduler.board import Board
from scheduler.commands import obey
from scheduler.decisions import Close
from scheduler.desk import Desk
from scheduler.plans import PLANNERS, Action, Plan
from scheduler.timetable import Node
from system.clock import Clock, ManualClock
from system.lifecycle import JobEvent, JobState
from tests.support.simulation_book import must


@contextmanager
def plans_judged(store: Store) -> Iterator[list[str]]:
    """Judge every command that an engine carries out inside, by the plan that the desk makes from `store`; gives the verbs that were."""
    judged: list[str] = []

    def obey_and_judge(command: Command, board: Board, own: Store) -> bool:
        plan = _told_by_the_desk(command, board, store)
        before, closing = dict(board.timetable.active), set(_closing(board))
        is_answered = obey(command, board, own)
        # Where another one led on meanwhile, what this one decides comes to nothing, and it may have read records of later turns.
        if plan is not None and not store.turns_after(board.timetable.head, 1):
            _judge(command, plan, board, before)
            left = [node for node in _closing(board) if node not in closing]
            must(not left or command.verb in _FREEING, command, "closes the gates of", left, "which its plan leaves out")
            judged.append(command.verb)
        return is_answered

    with patch.object(engine, "obey", obey_and_judge):
        yield judged


def _told_by_the_desk(command: Command, board: Board, store: Store) -> Plan | None:
    """Return the desk's plan; None where it can't know what the engine knows: what came in this very turn, or from another leader."""
    if command.verb not in PLANNERS or not board.draft.is_empty():
        return None
    clock: Clock = ManualClock(board.draft.now)
    desk = Desk(store, MemoryBroker(), board.context, clock, board.settings)
    plan = desk.plan(command.verb, command.process, command.timeperiod, until=command.until)
    is_same = desk.health().last_turn == board.timetable.head
    ends = {name: frontier.open_end for name, frontier in Board(
        board.context, board.topology, board.timetable, board.settings, board.draft.now
    ).frontiers.items()}  # fmt: skip
    return plan if is_same and ends == {name: frontier.open_end for name, frontier in board.frontiers.items()} else None


def _judge(command: Command, plan: Plan, board: Board, before: Mapping[Node, Job]) -> None:
    done = board.draft.jobs
    planned = {step.node: step for step in plan.steps}
    for step in plan.steps:
        job = board.timetable.active.get(step.node) or done.get(step.node)
        if step.action is Action.FOLLOW_AFTER:
            must(board.timetable.is_unfinished(step.node), command, "did too early", step)
            continue
        must(job is not None and _HAPPENED[step.action](job, step.job), command, "did not do", step, "but", job)
    for node, job in done.items():
        old = before.get(node)
        is_bystander = old is not None and job == replace(old, inputs_turn=job.inputs_turn, turn=job.turn)
        must(node in planned or is_bystander, command, "changed", job, "which was not in its plan")
    # Whoever uses what a skip ends is told so before its own turn comes.
    order = [node for node in done if node in planned and planned[node].action not in _SKIPS]
    must(order == [node for node in planned if node in order], command, "went in another order than its plan:", order)


def _closing(board: Board) -> Iterator[Node]:
    """Yield what is marked to be decided and is skipped by that."""
    for node in list(board._marked):
        decision = board.decision(node)
        if isinstance(decision, Close) and decision.event is JobEvent.SKIPPED:
            yield node


# What these free meets the gates that were closed before.
_FREEING = ("reprocess", "release", "trigger")
_SKIPS = (Action.SKIP, Action.SKIP_AFTER, Action.FOLLOW, Action.FOLLOW_AFTER)
_HAPPENED: Mapping[Action, Callable[[Job, Job | None], bool]] = {
    Action.REOPEN: lambda job, old: job.state is JobState.EMBRYO and old is not None and job.generation == old.generation + 1,
    Action.REOPEN_AFTER: lambda job, _: job.next_event is JobEvent.REOPENED,
    Action.SKIP: lambda job, _: job.state is JobState.SKIPPED and job.reason.startswith("operator"),
    Action.SKIP_AFTER: lambda job, _: job.next_event is JobEvent.SKIPPED,
    Action.FOLLOW: lambda job, _: job.state is JobState.SKIPPED and job.reason.startswith(("dependency", "children")),
    Action.HOLD: lambda job, _: job.held.startswith("operator"),
    Action.RELEASE: lambda job, _: not job.held,
    Action.TRIGGER: lambda job, _: job.again_at is not None,
}
