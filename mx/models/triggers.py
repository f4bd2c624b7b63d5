"""What brings work about, and when: schedules of managed processes, freerun entries, and what became of their last fires."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from mx.models.base import Model


class ProcessTrigger(Model):
    """How a managed process is switched, and by which schedule it runs."""

    process: str
    is_on: bool
    is_live: bool = Field(description="whether it runs while its period is open, too")
    since: datetime | None = Field(description="since when it is on or off; none where that was never otherwise")
    who: str = Field(description="who switched it last, empty where the context says so")
    why: str
    schedule: str = Field(description="the schedule in force")
    own_schedule: str = Field(description="the schedule of the context")
    schedule_who: str = Field(description="who gave it another schedule than the context's, empty where nobody did")
    schedule_why: str
    schedule_since: datetime | None
    next: datetime | None = Field(description="the next moment that the schedule names; none for `every`, which names none")
    waiting: int = Field(description="how many untouched periods are due")
    ahead: str = Field(description="the period that a trigger would make due now, empty where there is none")

    @property
    def is_changed(self) -> bool:
        """Whether an operator said otherwise than the context, so that there is something to take back."""
        return bool(self.who or self.schedule_who)


class ProcessTriggers(Model):
    """A part of all managed processes, in the order of the context."""

    rows: tuple[ProcessTrigger, ...]
    total: int = Field(description="how many match in all")


class EntryTrigger(Model):
    """A freerun entry as a list shows it."""

    process: str
    entry: str
    schedule: str
    state: str = Field(description="`on`, `off`, `deleted` or `retired`")
    next_fire: datetime | None
    running: int
    waiting: int
    held: int
    failing: int
    last_end: str = Field(description="how the run ended that ended last, such as `state_processed`; empty before the first")
    fired: int
    missed: int
    said: str = Field(description="who changed it last by a command, and why")


class EntryTriggers(Model):
    """A part of all freerun entries: by process and name, those that are deleted last."""

    rows: tuple[EntryTrigger, ...]
    total: int = Field(description="how many match in all")


class Fire(Model):
    """A unit of work of an entry: one fire, and what became of it."""

    fire: str
    uow: str
    state: str
    at: datetime = Field(description="when it was opened")
    started_at: datetime | None
    finished_at: datetime | None
    seconds: float | None = Field(description="how long the last attempt took, by its worker's clock; none where it has not ended")
    failures: int
    losses: int
    rows: int | None
    reason: str
    box: str = Field(description="where it runs, empty where it does not or that is not known")


class Waiting(Model):
    """One thing that keeps a fire from going on."""

    kind: str
    text: str
    since: datetime | None


class EntryDetails(Model):
    """All of a freerun entry. `given` names the fields that operators gave it over those of the context."""

    process: str
    entry: str
    state: str
    schedule: str
    description: str
    arguments: dict[str, str] = Field(description="as JSON each; what may be a secret is hidden")
    overlap: str
    misfire: str
    grace_s: float
    max_attempts: int
    on_failure: str
    classname: str
    queue: str
    given: tuple[str, ...]
    is_made: bool = Field(description="whether a command made it, and not the context")
    said: str
    said_at: datetime | None
    fired: int
    succeeded: int
    failed: int
    canceled: int
    overlapped: int
    missed: int
    missed_from: datetime | None
    missed_until: datetime | None
    waiting: tuple[str, ...] = Field(description="fires that were taken and have no unit of work yet")
    is_held: bool = Field(description="whether a run of it is held for a person")
    next_fires: tuple[datetime, ...] = Field(description="by the function that fires; of one that is off, when it would")
    fires: tuple[Fire, ...] = Field(description="the latest first")
    why: tuple[Waiting, ...]


class FireOutput(Model):
    """What the attempts of one fire printed. `is_cut`: only the end of it is here."""

    uow: str
    text: str
    is_cut: bool


class ScheduleTrial(Model):
    """What a schedule that somebody typed means."""

    schedule: str
    fault: str = Field(description="what is wrong with it, empty where nothing is")
    next_fires: tuple[datetime, ...] = Field(description="empty where it is at fault, or names no moments")
    note: str = Field(description="what else there is to know of it")
