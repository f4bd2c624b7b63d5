"""Which fires of a freerun entry are due, and what becomes of each? Values in, values out; whoever asks gets the same answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from db.entries import Entry, Run
from db.model import Job, UnitOfWork, UowMove
from scheduler.settlement import Settlement, settle
from system.context import Context, FreerunProcess
from system.fires import Fires, fire_id, fires_of
from system.lifecycle import JOB_LIFECYCLE, UOW_FINISHED, UOW_LIFECYCLE, JobEvent, JobState, UowEvent, UowState, advance
from system.overlap import Overlap, parse_overlap
from system.records import replace
from system.schedule import LONGEST_S

# A fire that is later than this was missed: nobody was there for it. Long enough for a restart, short enough for a failover to show.
PUNCTUAL_S = 10.0
# So many fires of an entry are made at once, and of a schedule that has to be walked so many are counted that were missed.
MOST_LATE = 1_000
# After so many fires that were made or walked a turn lets in no further entry: that takes a third of a second.
MOST_WALKED = 10_000
# What an operator may give an entry over its context: what the scheduler decides by. What a worker goes by is the context's alone.
GIVEN_FIELDS = (
    "trigger_frequency", "is_on", "arguments", "overlap", "misfire", "grace_s", "description", "max_attempts", "life_support_hours",
    "backoff_s", "on_failure",
)  # fmt: skip

_SUCCESS = frozenset({UowState.PROCESSED, UowState.NOOP})


@dataclass(frozen=True, slots=True)
class Rules:
    """How an entry goes today: its context's fields with the operators' over them. `runs_as` is the entry of the context that these are.

    `is_gone`: it was deleted.
    """

    process: FreerunProcess
    fires: Fires
    overlap: Overlap
    runs_as: str
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """The fires that are to be made now, ascending, and how many were missed and are let go, from the first to the last of these.

    `is_more`: there were more of them than were counted. `walked`: how many fires had to be looked at one by one.
    """

    fires: tuple[datetime, ...]
    missed: int = 0
    missed_from: datetime | None = None
    missed_until: datetime | None = None
    is_more: bool = False
    walked: int = 0

    def told(self) -> str:
        """Return the sentence about what was missed."""
        count = f"{'at least ' if self.is_more else ''}{self.missed:,}"
        return f"{count} fires from {self.missed_from} to {self.missed_until} were missed and are let go"


def rules_of(context: Context, process: str, name: str, entry: Entry | None) -> Rules | None:
    """Return how an entry goes; None where it is not in the context, nor made by a command for a process that is."""
    base = context.entry(process, name)
    if base is None or not ((process, name) in context.freerun or (entry is not None and entry.is_made)):
        return None
    given = json.loads(entry.given) if entry and entry.given else {}
    is_gone = entry is not None and entry.is_deleted
    effective = with_given(base, name, {**given, "is_on": False} if is_gone else given)
    fires, overlap = fires_of(effective.trigger_frequency, f"{process}/{name}"), parse_overlap(effective.overlap)
    return Rules(effective, fires, overlap, base.entry_name, is_gone)


def goes_by(rules: Rules | None) -> str:
    """Return the schedule that brings an entry's fires today: `off` where none does, empty for a retired one.

    Of the time in which another one did, or none, this one owes nothing, whoever changed that.
    """
    if rules is None:
        return ""
    return rules.process.trigger_frequency if rules.process.is_on else "off"


def with_given(base: FreerunProcess, name: str, given: dict[str, object]) -> FreerunProcess:
    """Return an entry of the context with an operator's fields over it, arguments one by one."""
    arguments = given.get("arguments")
    overlaid = {**base.arguments, **arguments} if isinstance(arguments, dict) else base.arguments
    fields = {field: given[field] for field in GIVEN_FIELDS if field in given}
    return replace(base, entry_name=name, **{**fields, "arguments": overlaid})  # type: ignore[arg-type]


def due(rules: Rules, since: datetime, now: datetime, here_since: datetime) -> Due | None:
    """Return what the schedule brings in `(since, now]`, by the entry's misfire policy; None where that is nothing.

    Somebody has been there for it since `here_since`, however long the line of what came at once: what came after that was not missed.
    """
    fires, misfire = rules.fires, rules.process.misfire
    last = fires.last(now)
    if last <= since:
        return None
    edge = max(since, min(now, here_since) - timedelta(seconds=PUNCTUAL_S))
    begin = edge
    if misfire == "all":
        grace_s = min(rules.process.grace_s, LONGEST_S)  # an operator may have given a longer one before that was refused
        begin = max(since, min(edge, now - timedelta(seconds=grace_s)))
    made = fires.latest(begin, now, MOST_LATE)
    if misfire == "once" and not made:
        made = [last]
    until = fires.last(made[0] - timedelta.resolution) if made else last
    missed = fires.count(since, until, MOST_LATE) if until > since else 0
    walked = len(made) + (missed if fires.is_walked else 0)
    if not missed:
        return Due(tuple(made), walked=walked)
    return Due(tuple(made), missed, fires.after(since), until, fires.is_walked and missed >= MOST_LATE, walked)


def fired(entry: Entry, found: Due, rules: Rules, now: datetime) -> Entry:
    """Return the entry after its schedule was dealt with up to `now`, as `due` found."""
    entry = replace(entry, since=rules.fires.last(now))
    if found.missed:
        entry = replace(
            entry, missed=entry.missed + found.missed, missed_from=found.missed_from, missed_until=found.missed_until
        )
    for moment in found.fires:
        entry = arrived(entry, fire_id(moment), rules.overlap)
    return entry


def arrived(entry: Entry, fire: str, overlap: Overlap) -> Entry:
    """Return the entry after a fire came: it waits for its turn, or is let go for what has not ended."""
    if overlap.replaces:
        return replace(entry, waiting=(fire,), overlapped=entry.overlapped + len(entry.waiting))
    if len(entry.runs) + len(entry.waiting) < overlap.running + overlap.waiting:
        return replace(entry, waiting=(*entry.waiting, fire))
    return replace(entry, overlapped=entry.overlapped + 1)


def is_too_wide(entry: Entry, overlap: Overlap) -> bool:
    """Return whether several fires wait of which each replaces the one before: they came while another overlap held."""
    return overlap.replaces and len(entry.waiting) > 1


def narrowed(entry: Entry) -> Entry:
    """Return the entry with the last of its waiting fires alone."""
    return replace(entry, waiting=entry.waiting[-1:], overlapped=entry.overlapped + len(entry.waiting) - 1)


def to_end(entry: Entry, overlap: Overlap) -> tuple[Run, ...]:
    """Return the runs that a waiting fire replaces and that were not called off yet."""
    return tuple(run for run in entry.runs if not run.is_ending) if overlap.replaces and entry.waiting else ()


def may_open(entry: Entry, overlap: Overlap) -> bool:
    """Return whether a fire waits and its entry has room for its run."""
    return bool(entry.waiting) and len(entry.runs) < overlap.running


def opened(entry: Entry, rules: Rules, now: datetime, turn: int) -> tuple[Entry, UnitOfWork]:
    """Return the entry with the run of its first waiting fire, and that run's unit of work."""
    fire, waiting = entry.waiting[0], entry.waiting[1:]
    uow = unit_of(entry, fire, rules, now, turn)
    return replace(entry, waiting=waiting, runs=(*entry.runs, Run(fire, uow.state, now)), fired=entry.fired + 1), uow


def unit_of(entry: Entry, fire: str, rules: Rules, now: datetime, turn: int) -> UnitOfWork:
    """Return the unit of work of a fire that is opened now. Its arguments are as they are now."""
    arguments = json.dumps(dict(rules.process.arguments), sort_keys=True) if rules.process.arguments else ""
    return UnitOfWork(
        entry.uow_id(fire), entry.process, fire, rules.process.queue, fire, fire, opened_at=now, turn=turn, arguments=arguments,
        runs_as=rules.runs_as,
    )  # fmt: skip


def settled(
    entry: Entry, run: Run, uow: UnitOfWork, rules: Rules, *, is_void: bool, max_losses: int, now: datetime, turn: int
) -> tuple[Entry, Settlement | None]:
    """Return the entry after one of its units of work was read, and what that means for the unit of work; None for nothing.

    What a job would be held for because its worker was lost too often, ends as failed where the entry does not hold on failure: nothing
    sticks an entry for ever.
    """
    if run.is_given_up and uow.state is UowState.INVALID and not uow.cancel_requested:
        move = UowMove(uow.id, uow.state, UowEvent.GIVEN_UP, uow.fence, uow.losses, run.reason)
        after = advance(UOW_LIFECYCLE, uow.state, UowEvent.GIVEN_UP)
        return ended(entry, run, after, f"failed: {run.reason}", now, is_failure=True), Settlement(after, None, move)
    found = settle(_as_job(entry, run, now, turn), uow, rules.process, is_void=is_void, max_losses=max_losses, now=now, turn=turn)
    if found is None or found.job is None or found.job.uow_state is None:
        return entry, found
    job = found.job
    assert job.uow_state is not None
    if job.uow_state in UOW_FINISHED:
        is_failure = found.move is not None and found.move.event is UowEvent.GIVEN_UP
        return ended(entry, run, job.uow_state, job.reason, now, is_failure=is_failure), found
    is_given_up = bool(job.held) and found.move is not None and rules.process.on_failure != "hold"
    after_it = replace(
        run, uow_state=job.uow_state, failures=job.failures, failing_since=job.failing_since, retry_at=job.retry_at,
        held="" if is_given_up else job.held, reason=job.reason, is_given_up=is_given_up,
    )  # fmt: skip
    return with_run(entry, run, after_it), found


def ended(entry: Entry, run: Run, state: UowState, reason: str, now: datetime, *, is_failure: bool = False) -> Entry:
    """Return the entry after a run came to its end."""
    runs = tuple(other for other in entry.runs if other.fire != run.fire)
    counts = (entry.succeeded + (state in _SUCCESS), entry.failed + is_failure)
    canceled = entry.canceled + (state not in _SUCCESS and not is_failure)
    return replace(
        entry, runs=runs, succeeded=counts[0], failed=counts[1], canceled=canceled, last_fire=run.fire, last_end=state.value,
        last_reason=reason, ended_at=now,
    )  # fmt: skip


def with_run(entry: Entry, before: Run, after: Run) -> Entry:
    """Return the entry with one of its runs as it stands now."""
    return replace(entry, runs=tuple(after if run.fire == before.fire else run for run in entry.runs))


def next_alarm(entry: Entry, rules: Rules, now: datetime) -> datetime | None:
    """Return when time brings an entry the next thing to decide: its next fire, or the next attempt of a run that failed.

    An attempt that is due already waits for room, and not for time.
    """
    moments = [run.retry_at for run in entry.runs if is_owed_attempt(run) and run.retry_at and run.retry_at > now]
    if rules.process.is_on:
        moments.append(rules.fires.after(entry.since))
    return min((moment for moment in moments if moment), default=None)


def is_owed_attempt(run: Run) -> bool:
    """Return whether a run failed and has an attempt to come."""
    return run.uow_state is UowState.INVALID and run.retry_at is not None and not (run.held or run.is_ending or run.is_given_up)


def _as_job(entry: Entry, run: Run, now: datetime, turn: int) -> Job:
    """Return a run as the settlement of units of work knows it."""
    return Job(
        entry.process, entry.name, advance(JOB_LIFECYCLE, JobState.EMBRYO, JobEvent.OPENED), now, turn, int(run.fire), 1,
        uow_state=run.uow_state, failures=run.failures, failing_since=run.failing_since, retry_at=run.retry_at, held=run.held,
        reason=run.reason,
    )  # fmt: skip
