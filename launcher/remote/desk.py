"""What does a person at another machine see, and what can be asked for? The questions of commands, answered by the API of a dashboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from db.model import Command
from launcher.remote import shapes
from launcher.remote.client import Client
from scheduler.blockers import Blocker
from scheduler.desk import JobView
from scheduler.durations import Forecast
from scheduler.events import LogEntry
from scheduler.freerun_desk import EntryLine, EntryView
from scheduler.health import Health
from scheduler.joblist import LATE, PHASES, JobLine, JobList
from scheduler.levels import Level
from scheduler.plans import Action, Plan, Step
from scheduler.switches import Standing
from scheduler.timetable import ordinal_of
from system.context import Context, DaemonProcess, FreerunProcess, ManagedProcess
from system.timeperiod import QUALIFIERS

_LEVELS = tuple(name for name in Level.__slots__)


class RemoteDesk:
    """Answers what commands ask, as `scheduler.desk.Desk` does. `who` is whoever the token says."""

    def __init__(self, client: Client, context: Context) -> None:
        self._client = client
        self._context = context
        self._planned: tuple[Plan, Forecast] | None = None

    def why(self, process: str, timeperiod: str) -> Blocker:
        """Return why a job is not running now, down to the leaf causes."""
        return shapes.blocker(self._client.get("jobs", process, timeperiod, "why"))

    def job(self, process: str, timeperiod: str) -> JobView:
        """Return one job with its unit of work and what it waits for."""
        uows = self._client.get("jobs", process, timeperiod, "uows", limit=50)["items"]
        return shapes.job_view(self._client.get("jobs", process, timeperiod), uows)

    def output(self, process: str, timeperiod: str) -> str:
        """Return what the attempts of a job's current unit of work printed."""
        return self._client.text("jobs", process, timeperiod, "output.txt")

    def log(self, process: str, timeperiod: str, limit: int) -> list[LogEntry]:
        """Return what happened to a job, oldest first."""
        found = self._client.get("jobs", process, timeperiod, "events", limit=min(limit, 1_000))["items"]
        return [LogEntry(shapes.surely(each["at"]), each["what"], each["who"], each["text"], each["turn"]) for each in found]

    def jobs(self, processes: Sequence[str], state: str, limit: int) -> JobList:
        """Return the first jobs of a list: what needs a person, what runs, then what has ended last."""
        of = list(processes) if len(processes) < len(self._context.managed) else []
        asked: list[dict[str, object]] = [*[dict[str, object](phase=phase) for phase in PHASES], {}]
        if state:
            asked = [{"late": "true"} if state == LATE else {"phase": state} if state in PHASES else {"state": state}]
        lines: dict[tuple[str, str], JobLine] = {}
        for filters in asked:
            for row in self._client.items("jobs", process=of, **{"limit": min(limit, 500), "order": _order(filters), **filters}):
                line = shapes.job_line(row)
                lines.setdefault((line.process, line.timeperiod), line)
                if len(lines) > limit:
                    return JobList(list(lines.values())[:limit], len(lines))
        return JobList(list(lines.values()), len(lines))

    def plan(self, verb: str, process: str, timeperiod: str, *, until: str = "") -> Plan:
        """Return what a command would touch if it were given now."""
        told = self._client.post("plan", "steps", body={"verb": verb, "process": process, "timeperiod": timeperiod, "until": until})
        managed = self._context.managed
        steps = tuple(
            Step((each["process"], ordinal_of(managed[each["process"]].qualifier, each["timeperiod"])), Action(each["action"]))
            for each in told["steps"]
        )
        expected = tuple(each["expected_s"] for each in told["steps"])
        forecast = Forecast(expected, told["expected_s"], told["chain_s"], told["slots"], tuple(told["unknown"]))
        self._planned = Plan(steps, told["refusal"]), forecast
        return self._planned[0]

    def forecast(self, plan: Plan) -> Forecast:
        """Return how long the plan will take that was asked for last."""
        assert self._planned is not None
        assert self._planned[0] is plan
        return self._planned[1]

    def standings(self) -> list[Standing]:
        """Return how every managed process stands."""
        return [shapes.standing(each) for each in self._client.items("triggers")]

    def timetable(self) -> list[Level]:
        """Return the counts of every process, tree by tree, coarsest level first."""
        return [level for level in self.levels() if not level.is_retired]

    def retired(self) -> list[Level]:
        """Return what the processes that left the context have left behind."""
        return [level for level in self.levels() if level.is_retired]

    def levels(self) -> list[Level]:
        """Return both."""
        return [Level(**{name: each[name] for name in _LEVELS}) for each in self._client.items("timetable")]

    def health(self) -> Health:
        """Return who leads and when it last did a round that succeeded."""
        return shapes.health(self._client.get("health"))

    def give(self, verb: str, process: str, timeperiod: str, who: str, why: str, *, until: str = "") -> int:  # noqa: ARG002  the token says who
        """Give a command and return its number."""
        body = {"verb": verb, "processes": [process], "timeperiod": timeperiod, "until": until, "why": why}
        return int(self._client.post("commands", body=body)["number"])

    def switch(self, verb: str, process: str, who: str, why: str, *, frequency: str = "") -> int:  # noqa: ARG002
        """Give a command that switches a process, and return its number."""
        return int(self._client.post("processes", process, verb, body={"why": why, "frequency": frequency})["number"])

    def answer(self, number: int) -> Command:
        """Return a command as it stands."""
        return shapes.command(self._client.get("commands", str(number)))


def _order(filters: Mapping[str, object]) -> str:
    """Return the order of a list: what waits, as it will be run; what has ended, the last first."""
    return "oldest" if "late" in filters or "phase" in filters or filters.get("state") == "embryo" else "newest"


class RemoteFreerun:
    """Answers what commands ask of freerun entries, as `scheduler.freerun_desk.FreerunDesk` does."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def lines(self, process: str = "") -> list[EntryLine]:
        """Return all entries, of one process where it is named."""
        return [shapes.entry_line(each) for each in self._client.items("freerun", process=process)]

    def view(self, process: str, name: str) -> EntryView:
        """Return an entry as it stands."""
        return shapes.entry_view(self._client.get("freerun", process, name))

    def next_fires(self, process: str, name: str, count: int) -> list[datetime]:
        """Return when an entry fires next."""
        found = self._client.get("freerun", process, name, coming=count)["next_fires"]
        return [shapes.surely(text) for text in found]

    def give(self, verb: str, process: str, name: str, who: str, why: str, details: Mapping[str, object]) -> int:  # noqa: ARG002
        """Give a command about an entry and return its number."""
        place, body = ("freerun", process, name), {"why": why, **details}
        if verb == "delete":
            return int(self._client.send("DELETE", *place, why=why)["number"])
        method = {"create": "PUT", "change": "PATCH"}.get(verb)
        told = self._client.send(method, *place, body=body) if method else self._client.post(*place, verb, body={"why": why})
        return int(told["number"])

    def is_coming(self, process: str, name: str) -> bool:  # noqa: ARG002
        """Return whether a command that makes the entry waits: the API knows, and refuses what is about no entry."""
        return True


def context_of(client: Client) -> Context:
    """Return what is registered there, as far as commands ask: names, kinds and qualifiers."""
    processes: list[ManagedProcess | FreerunProcess | DaemonProcess] = []
    for told in client.items("processes"):
        name = told["name"]
        if told["kind"] == "managed":
            processes.append(ManagedProcess(name, "", QUALIFIERS[told["qualifier"]].name, queue=told["queue"]))
        elif told["kind"] == "freerun":
            processes.append(FreerunProcess(name, "", "", "", ""))
        else:
            processes.append(DaemonProcess(name, "", ""))
    return Context(tuple(processes), {})
