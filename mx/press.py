"""What can a person press about a reason, and about a job? Links only: what changes something is first shown as a plan."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from mx.models.job import JobDetail
from mx.models.why import Why

_FINISHED = ("state_processed", "state_noop", "state_skipped")
_PAGES = {
    "worker": ("Boxes and workers", "/boxes"), "scheduler": ("Boxes", "/boxes"), "queue window": ("Queues", "/queues"),
    "off": ("Triggers: switch it on", "/triggers"), "frequency": ("Triggers", "/triggers"),
}  # fmt: skip
_LOGS = ("retry", "unit of work", "ending")
_TITLES = {
    "reprocess": "Reprocess", "release": "Release", "trigger": "Trigger now", "hold": "Hold", "skip": "Skip", "cancel": "Cancel",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Press:
    """A link with its words."""

    name: str
    href: str
    is_main: bool = False


def job_path(process: str, timeperiod: str) -> str:
    """Return the path of a job's page."""
    return f"/job/{quote(process, safe='')}/{quote(timeperiod, safe='')}"


def plan_path(verb: str, process: str, timeperiod: str) -> str:
    """Return the path of the plan of a command about one period."""
    return f"/plan?{urlencode({'verb': verb, 'process': process, 'timeperiod': timeperiod})}"


def of_reason(why: Why, *, may_act: bool) -> list[Press]:
    """Return what to press about a leaf cause."""
    found = []
    if why.kind == "held" and may_act:
        found.append(Press("Release it", plan_path("release", why.process, why.timeperiod), is_main=True))
    if why.kind == "open period" and "job trigger" in why.look and may_act:
        found.append(Press("Trigger it now", plan_path("trigger", why.process, why.timeperiod)))
    if why.kind in _LOGS:
        found.append(Press("Its log", f"{job_path(why.process, why.timeperiod)}#printed"))
    if why.kind == "in flight":
        found.append(Press("Its process", f"/process/{quote(why.process, safe='')}"))
    if why.kind in _PAGES:
        found.append(Press(*_PAGES[why.kind]))
    return found


def of_job(job: JobDetail) -> list[Press]:
    """Return the commands that make sense for a job as it stands, each leading to its plan."""
    is_over = job.state in _FINISHED
    verbs = [
        *(["release"] if job.held else []),
        *(["reprocess"] if is_over or job.generation else []),
        *(["trigger"] if any("job trigger" in leaf.look for leaf in job.why.leaves()) and not job.held else []),
        *(["hold"] if not is_over and not job.held else []),
        *(["cancel"] if job.is_with_worker else []),
        *(["skip"] if not is_over else []),
    ]
    main = "release" if job.held else "reprocess" if is_over else ""
    return [Press(_TITLES[verb], plan_path(verb, job.process, job.timeperiod), is_main=verb == main) for verb in verbs]
