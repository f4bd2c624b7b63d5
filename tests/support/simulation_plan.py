"""What happens in history number N? A random small timetable, who works on it, and what goes wrong: all drawn from the seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from zlib import crc32

from scheduler.policy import SchedulerSettings
from system.context import (
    BLOCKING_TYPES,
    Context,
    Dependency,
    ManagedProcess,
    Tree,
    dependency_entry,
    managed_context_entry,
    source_entry,
    timetable_tree_entry,
)
from system.dependency_check import graph_faults
from system.timeperiod import HOURLY, Timeperiod, containing
from tests.support.simulation_entries import with_entries
from workers.policy import WorkerSettings
from workers.slots import Ending, Task

LEASE_S = 6.0
WINDOW = 4
SCHEDULER = SchedulerSettings(
    timetable_start="2024013100", lease_s=LEASE_S, beat_s=0.5, silence_s=2.0, sweep_s=1.0, follow_s=0.25, window_per_slot=0,
    window_least=WINDOW, looks=20, reports=10, history_s=3 * 3_600.0, probe_fresh_s=2.0,
)
MIDNIGHT = datetime(2024, 2, 1, tzinfo=UTC)
END = datetime(2024, 3, 2, tzinfo=UTC)  # by then every period of every plan is due
_SPANS = {
    "daily": ("2024013000", "2024013100", "2024020100", "2024020200", "2024020300"),
    "monthly": ("2024010000", "2024020000", "2024030000"),
}

# Midnight a little before UTC's and a little after it, and as far away as can be; then off the whole hour.
ZONES = ("UTC", "Europe/Berlin", "Africa/Cairo", "Atlantic/Azores", "America/New_York", "Pacific/Kiritimati", "Pacific/Honolulu")
ODD_ZONES = ("Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns")

GROUPINGS = {"_hourly": (2, 3, 5, 20), "_daily": (2, 3, 7), "_monthly": (2, 3)}

# For how long rows may come late: not at all, until a day or so after the period, whenever they like.
LATE_S = (0.0, 0.0, 100_000.0, 1e8, 1e8)

SCHEDULES = ("at 00:30", "at *-22:00,*-01:15", "cron 15 * * * *", "cron * * * * *")

# What can go wrong, and how often a history has it. Not all at once: some faults hide behind others.
KINDS = ("death", "unavailable", "late", "nap", "pause", "store away", "messages", "purge", "jump", "stop", "slot")
_SHARE = 0.55


@dataclass(frozen=True, slots=True)
class Plan:
    """One history as drawn from its seed. `slots` has an entry per worker.

    `odds` is the chance of a call to be struck, `long` and `failing` those of an attempt. `hours`: how many pass during the storm, each
    at once. `releases`: in the end the operator releases what is held.
    """

    seed: int
    context: Context
    begin: datetime
    schedulers: int
    slots: tuple[int, ...]
    ahead: int
    ending_s: float
    worker: WorkerSettings
    kinds: frozenset[str]
    odds: float
    long: float
    failing: float
    storm_s: float
    hours: int
    commands: int
    releases: bool

    @property
    def foretells(self) -> bool:
        """Whether the broker sends ahead what it is told will be so."""
        return self.seed % 8 == 0

    @property
    def opens_at_once(self) -> bool:
        """Whether the store opens few units of work with their turn."""
        return self.seed % 16 == 0

    def kept_for_live(self, size: int) -> int:
        """Return how many of `size` slots take no backfill."""
        return Random(f"lanes {self.seed}").randint(0, 1) if size > 1 else 0

    def attempt(self, task: Task) -> tuple[float, Ending, int | None]:
        """Return how long an attempt takes, how it ends, and its rows; the same whenever it is asked."""
        luck = Random(crc32(f"{self.seed} {task.uow_id} {task.fence}".encode()))
        kind = luck.random()
        low, high = (0.001, 0.1) if kind < 0.4 else (0.2, 2.0) if kind < 1.0 - self.long else (0.5 * LEASE_S, 3.0 * LEASE_S)
        ending = Ending.FAILED if luck.random() < self.failing else Ending.EMPTY if luck.random() < 0.1 else Ending.DONE
        return luck.uniform(low, high), ending, task.fence if ending is Ending.DONE else None


def plan_of(seed: int) -> Plan:
    """Return the history that `seed` stands for."""
    luck = Random(f"plan {seed}")
    quiet = luck.random() < 0.08
    kinds = frozenset() if quiet else frozenset(kind for kind in KINDS if luck.random() < _SHARE)
    slots = tuple(luck.randint(1, 3) for _ in range(luck.randint(1, 3)))
    worker = WorkerSettings(
        slots=max(slots), beat_s=1.0, lease_s=LEASE_S, margin_s=1.0, stop_grace_s=luck.choice((0.5, 4.0)), end_grace_s=0.5, poll_s=1.0
    )  # also what is the default: with another one, the same seed would be another history
    context = _drawn(seed, _context(luck))
    begin = luck.choice((END, MIDNIGHT + timedelta(hours=luck.randint(-2, 2), seconds=-5), datetime(2024, 2, 29, 23, 59, 55, tzinfo=UTC)))
    return Plan(
        seed,
        context,
        _while_open(Random(f"begin {seed}"), context, begin),
        luck.choice((1, 1, 2)) + Random(f"standby {seed}").choice((0, 0, 1)),
        slots,
        luck.randint(0, 2),
        luck.choice((0.0, 0.4)),
        worker,
        kinds,
        luck.choice((0.005, 0.02, 0.06)),
        luck.choice((0.05, 0.1, 0.3)),
        luck.choice((0.0, 0.1, 0.3)),
        luck.uniform(8.0, 25.0),
        luck.choice((0, 0, 8)),
        luck.choice((0, 4, 10)),
        luck.random() < 0.5,
    )


def _drawn(seed: int, context: Context) -> Context:
    """Return a context with what is drawn on top of it, each by luck of its own, so that whatever else a seed stands for stays as it is."""
    steps = {
        "zones": _with_zones, "groups": _with_groups, "needs": _with_needs, "machines": _with_machines, "sources": _with_sources,
        "schedules": _with_schedules, "entries": with_entries, "catchup": _with_catchup,
    }  # fmt: skip
    for name, step in steps.items():
        context = step(Random(f"{name} {seed}"), context)
    return context


def _while_open(luck: Random, context: Context, begin: datetime) -> datetime:
    """Return when a history begins: mostly while periods are open, where rows come to sources."""
    if not any(process.state_machine_name == "recomputing" for process in context.managed.values()) or luck.random() < 0.3:
        return begin
    return MIDNIGHT + timedelta(hours=luck.randint(-2, 2), seconds=luck.choice((-5, 5)))


def _context(luck: Random) -> Context:
    processes: list[ManagedProcess] = []
    trees: dict[str, Tree] = {}
    for name in "abc"[: luck.randint(1, 3)]:
        levels = luck.choice((("hourly",), ("hourly", "daily"), ("hourly", "daily"), ("daily", "monthly"), ("hourly", "daily", "monthly")))
        needs = [other for other in trees if luck.random() < 0.5]
        own = [_process(luck, name, level) for level in levels]
        processes += own
        trees[name] = timetable_tree_entry(name, [process.name for process in own], needs)
    return Context(tuple(processes), trees)


def _with_zones(luck: Random, context: Context) -> Context:
    """Return half of the contexts as they are; in the others trees have time zones, off the whole hour where they hold no hours."""
    if luck.random() < 0.5:
        return context
    trees = {}
    for name, tree in context.trees.items():
        has_hours = any(context.managed[process].qualifier is HOURLY for process in tree.enclosed_processes)
        trees[name] = replace(tree, time_zone=luck.choice(ZONES if has_hours else (*ZONES, *ODD_ZONES)))
    return Context(context.processes, trees)


def _with_groups(luck: Random, context: Context) -> Context:
    """Return most contexts as they are; in the others some processes run every so many periods."""
    if luck.random() < 0.6:
        return context
    found = [replace(p, time_grouping=luck.choice((1, *GROUPINGS[p.qualifier.name]))) for p in context.managed.values()]
    return Context(tuple(found), context.trees)


def _with_needs(luck: Random, context: Context) -> Context:
    """Return half of the contexts as they are; in the others processes depend on each other and their past, where the check allows it."""
    if luck.random() < 0.5:
        return context
    found = dict(context.managed)
    for name, process in context.managed.items():
        needs: tuple[str | Dependency, ...] = ()
        for _ in range(luck.choice((0, 1, 1, 2))):
            more = {**found, name: replace(process, depends_on=(*needs, _need(luck, sorted(found))))}
            if not any(graph_faults(more.values(), context.trees.values())):
                needs = more[name].depends_on
        found[name] = replace(process, depends_on=needs, in_order=luck.random() < 0.2)
    return Context(tuple(found.values()), context.trees)


def _with_machines(luck: Random, context: Context) -> Context:
    """Return half of the contexts as they are; in the others some processes run while their period is open."""
    if luck.random() < 0.5:
        return context
    found = tuple(_with_machine(luck, process) for process in context.managed.values())
    return Context(found, context.trees)


def _with_machine(luck: Random, process: ManagedProcess) -> ManagedProcess:
    machine, frequency = luck.choice(("discrete", "continuous")), luck.choice((2, 2, 8, 40, 7_200))
    return process if machine == "discrete" else replace(process, state_machine_name=machine, trigger_frequency=f"every {frequency}")


def _with_sources(luck: Random, context: Context) -> Context:
    """Return most contexts as they are; in the others some processes run for what is new in a source, and again for what comes late."""
    if luck.random() < 0.6:
        return context
    return Context(tuple(_with_source(luck, process) for process in context.managed.values()), context.trees)


def _with_source(luck: Random, process: ManagedProcess) -> ManagedProcess:
    if luck.random() < 0.4:
        return process
    return replace(
        process, state_machine_name="recomputing", trigger_frequency=f"every {luck.choice((2, 2, 5, 20))}", late_s=luck.choice(LATE_S),
        source=source_entry("sqlite:///rows.db", "rows", "at"),
        blocking_type=luck.choice((process.blocking_type, "blocking_normal", "blocking_normal")),  # who waits for others runs but once
    )  # fmt: skip


def _with_schedules(luck: Random, context: Context) -> Context:
    """Return most contexts as they are; in the others some processes run at certain times."""
    if luck.random() < 0.75:
        return context
    return Context(tuple(_with_schedule(luck, process) for process in context.managed.values()), context.trees)


def _with_schedule(luck: Random, process: ManagedProcess) -> ManagedProcess:
    schedule = luck.choice((process.trigger_frequency, *SCHEDULES))
    # Of late rows a source is asked each time that the schedule fires: that is to be soon.
    return process if process.late_s else replace(process, trigger_frequency=schedule)


def _with_catchup(luck: Random, context: Context) -> Context:
    """Return most contexts as they are; in the others some processes run not all that they missed."""
    if luck.random() < 0.7:
        return context
    managed = {name: replace(p, catchup=luck.choice(("all", "none", 1, 2, 5))) for name, p in context.managed.items()}
    return Context(tuple(managed.get(p.name, p) for p in context.processes), context.trees)


def _need(luck: Random, names: list[str]) -> Dependency:
    chosen = luck.sample(names, min(len(names), luck.choice((1, 1, 2))))
    return dependency_entry(
        chosen, luck.choice((-3, -1, -1, 0, 0, 1)), luck.choice((1, 1, 2, 4)), any_of=luck.random() < 0.4, optional=luck.random() < 0.3
    )


def _process(luck: Random, tree: str, level: str) -> ManagedProcess:
    start, end = _span(luck, level)
    return managed_context_entry(
        f"{tree}_{level}",
        "jobs.run",
        tree,
        f"_{level}",
        start=start,
        end=end,
        blocking_type=luck.choice(BLOCKING_TYPES),
        lag_s=luck.choice((0.0, 3.0)),
        max_in_flight=luck.choice((0, 0, 0, 1, 2)),
        max_attempts=luck.choice((0, 0, 1, 2, 3)),
        on_failure=luck.choice(("skip", "hold")),
        backoff_s=luck.choice((0.1, 1.0)),
    )


def _span(luck: Random, level: str) -> tuple[str, str]:
    if level == "hourly":
        middle = containing(HOURLY, MIDNIGHT).ordinal
        return Timeperiod(HOURLY, middle - luck.randint(1, 9)).id, Timeperiod(HOURLY, middle + luck.randint(1, 9)).id
    ids = _SPANS[level]
    first = luck.randint(0, 1)
    return ids[first], ids[luck.randint(first + 1, len(ids) - 1)]
