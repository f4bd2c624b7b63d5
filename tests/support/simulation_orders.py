"""Was every operator's command carried out on all that it is about, and on nothing else? By brute force: REFERENCE 1.5."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass

from db.model import Command, CommandState, Job, Turn, UnitOfWork
from system.lifecycle import JOB_FINISHED, JobEvent, JobState, UowState
from tests.support.simulation_book import Book, Jobs, Node, must, node_of, reach, state_of
from tests.support.simulation_covered import LATE

_SKIPPED = " skipped it: "
_REOPENED = " reprocessed it: "


@dataclass(frozen=True, slots=True)
class Orders:
    """All commands of a history, by number, and what follows from them."""

    book: Book
    commands: Mapping[int, Command]
    uows: Mapping[str, UnitOfWork]  # as they stand in the end

    def judge(self, turn: Turn, before: Jobs, after: Jobs, late: Container[Node]) -> None:
        """Judge what a turn did at an operator's word. `late` may start anew without one."""
        done = [self.commands[answer.number] for answer in turn.answers if answer.state is CommandState.DONE]
        for job in turn.jobs:
            old = before.get(node_of(job))
            was_late = old is not None and old.reason.startswith(LATE)
            if job.generation > (old.generation if old else 1) and node_of(job) not in late and not was_late:
                self._judge_reopened(job, old, [*done, *self._by(_REOPENED, old)])
            if self.is_skip(job) and (old is None or old.state is not JobState.SKIPPED):
                self._judge_skipped(job, self._by(_SKIPPED, job), after)
        if len(turn.answers) == 1 and done and done[0].verb in _WHOLE:  # else one command may be about what another one did
            _WHOLE[done[0].verb](self, done[0], before, after)

    def is_skip(self, job: Job) -> bool:
        """Return whether an operator gave a job up."""
        return job.state is JobState.SKIPPED and job.reason.startswith("operator") and _SKIPPED in job.reason

    def named(self, command: Command) -> list[Node]:
        """Return the periods that a command names: of a group the one that runs."""
        until = command.until or command.timeperiod + "~"
        found = [node for node in self.book.nodes if node[0] == command.process and command.timeperiod <= node[1] < until]
        return list(dict.fromkeys(self.book.end_of(node) for node in found))

    def _by(self, text: str, job: Job | None) -> list[Command]:
        """Return the commands that a job's reason tells of: not more than one, but where two were given in one moment."""
        why = job.reason.partition(text)[2] if job else ""
        return [command for command in self.commands.values() if why and command.why == why]

    def _judge_reopened(self, job: Job, old: Job | None, commands: list[Command]) -> None:
        commands = [command for command in commands if command.verb == "reprocess"]
        is_meant = any(node_of(job) in self.book.downstream(self.named(command)) for command in commands)
        must(is_meant, job, "was reopened by", commands)
        if old is not None and _is_operators(old) and not self._was_skipped_too_late(old):
            is_named = any(node_of(job) in self.named(command) for command in commands)
            must(is_named, job, "was skipped by an operator, and reopened by", commands)

    def _was_skipped_too_late(self, old: Job) -> bool:
        """Return whether what a job ran had done its work before it was called off for a skip: then nothing was skipped."""
        return old.next_event is JobEvent.SKIPPED and self.uows[old.uow_id].state in (UowState.PROCESSED, UowState.NOOP)

    def _judge_skipped(self, job: Job, commands: list[Command], after: Jobs) -> None:
        children = [child for child in self.book.inside[node_of(job)] if self.book.runs(child)]
        # What is left of a child may be reprocessed by its name in the same turn, after that.
        anew = [after[child] for child in children if child in after and after[child].turn == job.turn and after[child].generation > 1]
        left = [child for child in children if child not in [node_of(each) for each in anew]]
        is_empty = bool(children) and all(state_of(after, child) is JobState.SKIPPED for child in left)
        is_meant = is_empty or any(node_of(job) in self._descendants(self.named(command)) for command in commands)
        must(is_meant, job, "was skipped by", commands)

    def _is_emptied(self, node: Node, after: Jobs) -> bool:
        """Return whether all that `node` is made of is SKIPPED."""
        children = [child for child in self.book.inside[node] if self.book.runs(child)]
        return bool(children) and all(state_of(after, child) is JobState.SKIPPED for child in children)

    def _descendants(self, nodes: Iterable[Node]) -> set[Node]:
        return reach(nodes, lambda node: self.book.inside[node])

    def _whole_reprocess(self, command: Command, before: Jobs, after: Jobs) -> None:
        named = self.named(command)
        for node in self.book.downstream(named, before):
            old = before.get(node)
            is_given_up = old is not None and _is_operators(old)
            if old is None or old.state is JobState.EMBRYO or (is_given_up and node not in named):
                continue
            new = after[node]
            is_anew = new.generation > old.generation or new.next_event is JobEvent.REOPENED or _is_called_off(new)
            # Children that began anew may be skipped again in the same turn, and then nothing is left of what they are part of.
            is_anew = is_anew or (new.next_event is JobEvent.SKIPPED and self._is_emptied(node, after))
            must(is_anew, command, "was done, and left alone", new)

    def _whole_skip(self, command: Command, before: Jobs, after: Jobs) -> None:
        for node in self._descendants(self.named(command)):
            if state_of(before, node) not in JOB_FINISHED:
                new = after.get(node)
                is_over = new is not None and (new.state in JOB_FINISHED or new.next_event is JobEvent.SKIPPED)
                must(is_over, command, "was done, and left", node, "alone:", new)

    def _whole_hold(self, command: Command, before: Jobs, after: Jobs) -> None:
        for node in self.named(command):
            if state_of(before, node) is JobState.EMBRYO:
                must(node in after and after[node].held, command, "was done, and does not hold", node)


def _is_operators(job: Job) -> bool:
    """Return whether an operator skipped the job, or has said so and its unit of work has not ended yet."""
    return (job.state is JobState.SKIPPED or job.next_event is JobEvent.SKIPPED) and job.reason.startswith("operator")


def _is_called_off(job: Job) -> bool:
    """Return whether a cancel, which is open until what it ends has ended, came before or after a command that was done at once."""
    return job.next_event is JobEvent.SKIPPED and " canceled it: " in job.reason


_WHOLE: Mapping[str, Callable[[Orders, Command, Jobs, Jobs], None]] = {
    "reprocess": Orders._whole_reprocess, "skip": Orders._whole_skip, "hold": Orders._whole_hold,
}
