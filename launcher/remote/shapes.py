"""What do the answers of the API stand for in the words of the scheduler's desk? Values out of documents, made once here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from db.entries import Entry
from db.model import Command, CommandState, Job, Session, UnitOfWork
from scheduler.blockers import Blocker
from scheduler.desk import JobView
from scheduler.durations import Usual
from scheduler.freerun_desk import EntryLine, EntryView
from scheduler.health import Follower, Health
from scheduler.joblist import JobLine
from scheduler.switches import Standing
from system.lifecycle import JobState, UowState

Document = Mapping[str, Any]
_LONG_AGO = "1970-01-01T00:00:00+00:00"
_JOB_STATES = {state.label: state for state in JobState}


def moment(text: str | None) -> datetime | None:
    """Return a moment, None for none."""
    return datetime.fromisoformat(text) if text else None


def surely(text: str) -> datetime:
    """Return a moment that is there."""
    return datetime.fromisoformat(text)


def blocker(told: Document) -> Blocker:
    """Return why something waits, down to the leaves."""
    causes = tuple(blocker(cause) for cause in told["causes"])
    since, notes = moment(told["since"]), tuple(told["notes"])
    return Blocker(told["kind"], told["text"], told["process"], told["timeperiod"], since, told["look"], causes, notes)


def job_view(told: Document, uows: list[Document]) -> JobView:
    """Return a job as it stands; `uows` are its units of work, the last opened first."""
    usual = Usual(told["usual"]["seconds"], told["usual"]["long_s"], told["usual"]["runs"]) if told["usual"] else None
    job = _job(told) if told["changed_at"] else None
    current = next((unit(each) for each in uows if job is not None and each["id"] == job.uow_id), None)
    return JobView(
        told["process"], told["timeperiod"], told["time_zone"], surely(told["start"]), surely(told["end"]), told["state"], job, current,
        blocker(told["why"]), told["is_archived"], usual,
    )  # fmt: skip


def _job(told: Document) -> Job:
    return Job(
        told["process"], told["timeperiod"], _JOB_STATES[told["state"]], surely(told["changed_at"]), told["turn"], told["generation"],
        told["run"], failures=told["failures"], failing_since=moment(told["failing_since"]), retry_at=moment(told["retry_at"]),
        held=told["held"], reason=told["reason"], again_at=moment(told["again_at"]),
    )  # fmt: skip


def unit(told: Document) -> UnitOfWork:
    """Return a unit of work."""
    return UnitOfWork(
        told["id"], told["process"], told["timeperiod"], told["queue"], told["start_timeperiod"], told["end_timeperiod"],
        surely(told["opened_at"]), 0, UowState(f"state_{told['state']}"), told["fence"], told["session"], told["failures"], told["losses"],
        told["cancel_requested"], told["rows"], told["reason"], moment(told["started_at"]), moment(told["finished_at"]),
    )  # fmt: skip


def job_line(told: Document) -> JobLine:
    """Return a row of a list."""
    late, since = moment(told["late_since"]), moment(told["changed_at"])
    return JobLine(told["process"], told["timeperiod"], f"state_{told['state']}", told["phase"] or "", since, told["reason"], late)


def health(told: Document) -> Health:
    """Return who leads, and who is there."""
    followers = tuple(Follower(each["session"], each["box"], each["turns_behind"], each["refusal"]) for each in told["followers"])
    sessions = [
        Session(
            each["id"], each["kind"], each["box"], each["pid"], 0.0, surely(each["opened_at"]), each["beat"], each["slots"],
            tuple(each["queues"]), each["facts"],
        )
        for each in told["sessions"]
    ]  # fmt: skip
    return Health(told["leader"], told["last_turn"], told["last_turn_age_s"], sessions, moment(told["leads_since"]), followers)


def command(told: Document) -> Command:
    """Return a command and its answer."""
    return Command(
        told["verb"], told["process"], told["timeperiod"], told["who"], told["why"], surely(told["given_at"]), told["until"],
        told["number"], CommandState(told["state"]), told["answer"], told["turn"], told["details"],
    )  # fmt: skip


def standing(told: Document) -> Standing:
    """Return how a process is switched."""
    return Standing(
        told["process"], told["is_on"], moment(told["since"]), told["who"], told["why"], told["schedule"], told["own_schedule"],
        told["schedule_who"], told["schedule_why"], moment(told["schedule_since"]), moment(told["next"]), told["waiting"],
    )  # fmt: skip


def entry_line(told: Document) -> EntryLine:
    """Return a row of the list of freerun entries."""
    return EntryLine(
        told["process"], told["entry"], told["schedule"], told["state"], moment(told["next_fire"]), told["running"], told["waiting"],
        told["held"], told["failing"], told["last_end"], told["fired"], told["missed"], told["said"],
    )  # fmt: skip


def entry_view(told: Document) -> EntryView:
    """Return a freerun entry as it stands."""
    names = ("overlap", "misfire", "grace_s", "arguments", "classname", "queue", "max_attempts", "on_failure", "description")
    fields = {"trigger_frequency": told["schedule"], **{name: told[name] for name in names}}
    ended = next((fire for fire in told["fires"] if fire["finished_at"]), None)
    said_at = moment(told["said_at"])
    record = Entry(
        told["process"], told["entry"], 0, said_at or surely(_LONG_AGO), said=told["said"], said_at=said_at, is_made=told["is_made"],
        is_deleted=told["state"] == "deleted", waiting=tuple(told["waiting"]), fired=told["fired"], succeeded=told["succeeded"],
        failed=told["failed"], canceled=told["canceled"], overlapped=told["overlapped"], missed=told["missed"],
        missed_from=moment(told["missed_from"]), missed_until=moment(told["missed_until"]), last_fire=ended["fire"] if ended else "",
        last_end=ended["state"] if ended else "", last_reason=ended["reason"] if ended else "",
        ended_at=moment(ended["finished_at"]) if ended else None,
    )  # fmt: skip
    why = [Blocker(each["kind"], each["text"], told["process"], told["entry"], moment(each["since"])) for each in told["why"]]
    coming = [surely(text) for text in told["next_fires"]]
    return EntryView(told["process"], told["entry"], told["state"], fields, dict.fromkeys(told["given"]), record, [], coming, why)
