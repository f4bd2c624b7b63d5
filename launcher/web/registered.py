"""Which processes are registered, and how far are they? For programs: the context, and the timetable's bytes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from launcher.web.area import Area
from launcher.web.asked import asked
from mx.models.registered import Level, RegisteredProcess, StatesChunk, Watermark
from scheduler.timetable import id_of
from system.context import Context, DaemonProcess, FreerunProcess, ManagedProcess, ProcessEntry
from system.errors import NotFound
from system.lifecycle import JobState

_LETTERS = {
    JobState.EMBRYO: ".", JobState.IN_PROGRESS: "r", JobState.FINAL_RUN: "f", JobState.PROCESSED: "P", JobState.NOOP: "N",
    JobState.SKIPPED: "S",
}  # fmt: skip
_AS_LETTERS = bytes(ord(_LETTERS[JobState(state)]) if state in _LETTERS else ord("?") for state in range(256))


class RegisteredArea(Area):
    """Answers `mx.desk_registered.RegisteredDesk`."""

    @asked
    def registered(self) -> Sequence[RegisteredProcess]:
        """Return all processes, by name."""
        context = self.parts.context
        found = {entry.name: _registered(entry, context) for entry in context.processes}
        return sorted(found.values(), key=lambda each: each.name)

    @asked
    def watermarks(self) -> Sequence[Watermark]:
        """Return up to where each process is complete, in the order of the context."""
        return [
            Watermark(process=mark.process, through=mark.through, holes=mark.holes, first_hole=mark.first_hole)
            for mark in self.parts.desk.watermarks()
        ]

    @asked
    def levels(self) -> Sequence[Level]:
        """Return how far every process is, tree by tree, the coarsest first; then those that left the context."""
        desk = self.parts.desk
        return [Level(**{name: getattr(each, name) for name in Level.model_fields}) for each in (*desk.timetable(), *desk.retired())]

    @asked
    def states_of(self, process: str, since: datetime | None, until: datetime | None, limit: int) -> StatesChunk:
        """Return the states of the periods that begin in `[since, until)`, at most `limit`; raises NotFound."""
        states = self.parts.desk.read().states.get(process)
        if states is None:
            raise NotFound(f"there is no managed process {process!r}: /api/v1/processes lists them")
        now, calendar = self.now(), states.calendar
        low, high = states.first, max(states.due_end(now), states.open_end(now), states.stored_end)
        high = high if states.last is None else min(high, states.last)
        if since is not None:
            at = calendar.containing(states.qualifier, since)
            low = max(low, at if calendar.start(states.qualifier, at) >= since else at + 1)
        if until is not None:
            at = calendar.containing(states.qualifier, until)
            high = min(high, at + 1 if calendar.start(states.qualifier, at) < until else at)
        high = min(high, low + limit)
        letters = states.between(low, high).translate(_AS_LETTERS).decode("ascii") if high > low else ""
        return StatesChunk(process=process, first=id_of(states.qualifier, low) if letters else "", states=letters)


def _registered(entry: ProcessEntry, context: Context) -> RegisteredProcess:
    if isinstance(entry, DaemonProcess):
        return RegisteredProcess(name=entry.name, kind="daemon")
    if isinstance(entry, FreerunProcess):
        facts = {"queue": entry.queue, "description": entry.description, "owner": entry.owner}
        return RegisteredProcess(name=entry.name, kind="freerun", **facts)
    return _managed(entry, context)


def _managed(entry: ManagedProcess, context: Context) -> RegisteredProcess:
    tree = next((name for name, each in context.trees.items() if entry.name in each.enclosed_processes), "")
    return RegisteredProcess(
        name=entry.name, kind="managed", qualifier=entry.qualifier.name, machine=entry.state_machine_name, tree=tree,
        time_zone=context.calendar_of(entry.name).time_zone, queue=entry.queue, description=entry.description, owner=entry.owner,
    )  # fmt: skip
