"""What is registered? The process context: entries as plain data, made by the factories that a `context.py` calls.

A context module holds `process_context` and `timetable_context`, and may hold `queue_context`: each a list of entries, or a dict
whose values are entries. `system.context_check` says what is wrong with them, all at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, cast

from system.calendars import UTC_CALENDAR, Calendar
from system.schedule import parse_schedule
from system.source_entry import SourceEntry
from system.timeperiod import Qualifier, Timeperiod, parse, qualifier_named

MANAGED_EXCHANGE = "ex_managed_worker"
FREERUN_EXCHANGE = "ex_freerun_worker"
UTILS_EXCHANGE = "ex_utils"
REPORT_QUEUE = "q_uow_status"
JOB_QUEUE = "q_job_status"
# Where a broker puts messages that came back too often.
DEAD_QUEUE = "q_dead_letters"

CATCHUP = ("all", "none")
# The machines that run while a period is open, too.
LIVE_MACHINES = ("continuous", "recomputing")
STATE_MACHINES = ("discrete", *LIVE_MACHINES)
BLOCKING_TYPES = ("blocking_normal", "blocking_children", "blocking_dependencies", "blocking_all")
ON_FAILURE = ("skip", "hold")
MISFIRE = ("skip", "once", "all")


@dataclass(frozen=True, slots=True)
class Dependency:
    """What the jobs of a process depend on beside what their tree says, made by `dependency_entry`.

    A period depends on its counterparts in each of `processes`: the same period, all finer ones inside it, or the coarser one that
    contains it; all moved by `offset` periods, and before them `last` - 1 more, both counted in periods of the process that is depended
    on. `any_of`: one of all these periods that is processed or had no data is enough. `optional`: one that is skipped is as good.
    """

    processes: tuple[str, ...]
    offset: int = 0
    last: int = 1
    any_of: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class ManagedProcess:
    """A process with timeperiods. Fields are as given; `period_start` and `horizon` read them.

    `lag_s` is how long after a period's end its data may be expected, `late_s` for how long rows that a source has later reopen a finished
    one, 0 for never. `start` is the first timeperiod, `end` the first that is not
    run any more; each empty for the deployment's default (`end`: never). `catchup` says which periods run that were missed before the
    process was registered, or while it was off: all, none, or the last so many. `deadline` is how many
    seconds after its end a period should be finished, None for no such time. `timeout_s` 0 is no limit, `max_attempts` and
    `max_in_flight` 0 likewise. `backoff_s` is the wait after the first failure; it doubles up to 15 minutes.
    """

    name: str
    token: str
    time_qualifier: str
    classname: str = ""
    argv: tuple[str, ...] = ()
    trigger_frequency: str = "every 60"
    state_machine_name: str = "discrete"
    is_on: bool = True
    blocking_type: str = "blocking_normal"
    time_grouping: int = 1
    depends_on: tuple[str | Dependency, ...] = ()
    in_order: bool = False
    source: str | SourceEntry | None = None
    sink: str | None = None
    arguments: Mapping[str, object] = field(default_factory=dict)
    exchange: str = MANAGED_EXCHANGE
    queue: str = ""
    routing: str = ""
    present_on_boxes: str | None = None
    pid_file: str | None = None
    log_file: str | None = None
    start: str = ""
    end: str = ""
    catchup: str | int = "all"
    deadline: float | None = None
    lag_s: float = 300.0
    late_s: float = 0.0
    timeout_s: float = 0.0
    max_in_flight: int = 0
    max_attempts: int = 0
    life_support_hours: float = 48.0
    backoff_s: float = 2.0
    on_failure: str = "skip"
    noop_exit_code: int | None = None
    description: str = ""
    owner: str = ""

    @property
    def qualifier(self) -> Qualifier:
        """The time qualifier; raises TimeperiodError for an unknown one."""
        return qualifier_named(self.time_qualifier)

    @property
    def is_live(self) -> bool:
        """Whether it runs while its period is open, too."""
        return self.state_machine_name in LIVE_MACHINES

    @property
    def needs(self) -> tuple[Dependency, ...]:
        """What `depends_on` says, a bare name as the dependency that it stands for."""
        return tuple(Dependency((given,)) if isinstance(given, str) else given for given in self.depends_on)


@dataclass(frozen=True, slots=True)
class FreerunProcess:
    """One entry of a process without timeperiods: it fires by its schedule, and when somebody asks for it.

    `overlap` says what becomes of a fire whose entry has not ended its last run (see `system.overlap`). `misfire` is for fires for which
    no scheduler was there: `skip` lets them go, `once` makes the latest of them, `all` those that are at most `grace_s` old. The other
    fields are as those of `ManagedProcess`.
    """

    name: str
    entry_name: str
    classname: str
    token: str
    trigger_frequency: str
    is_on: bool = True
    description: str = ""
    arguments: Mapping[str, object] = field(default_factory=dict)
    queue: str = ""
    exchange: str = FREERUN_EXCHANGE
    argv: tuple[str, ...] = ()
    overlap: str = "skip"
    misfire: str = "once"
    grace_s: float = 3_600.0
    present_on_boxes: str | None = None
    timeout_s: float = 0.0
    max_attempts: int = 0
    life_support_hours: float = 48.0
    backoff_s: float = 2.0
    on_failure: str = "skip"
    noop_exit_code: int | None = None
    owner: str = ""


@dataclass(frozen=True, slots=True)
class DaemonProcess:
    """A process that is just kept alive."""

    name: str
    classname: str
    token: str
    present_on_boxes: str | None = None
    arguments: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue that the context declares beside those of its processes."""

    exchange: str
    name: str
    routing: str


@dataclass(frozen=True, slots=True)
class Tree:
    """Managed processes of falling granularity over the same data. `dependent_on` names other trees.

    `time_zone` is the IANA name of the zone in which its levels daily and coarser begin and end.
    """

    name: str
    enclosed_processes: tuple[str, ...]
    dependent_on: tuple[str, ...] = ()
    mx_name: str | None = None
    mx_page: str | None = None
    time_zone: str = "UTC"


ProcessEntry = ManagedProcess | FreerunProcess | DaemonProcess


@dataclass(frozen=True)
class Context:
    """Everything that is registered. `managed` is keyed by process name, `freerun` by process and entry name, `trees` by tree name, all
    in the order given.

    `folder` is where the user's code lives: it comes first on a slot's path. `calendars` are those of the processes in a tree with a zone.
    """

    processes: tuple[ProcessEntry, ...]
    trees: Mapping[str, Tree]
    queues: tuple[Queue, ...] = ()
    folder: str = ""
    managed: Mapping[str, ManagedProcess] = field(init=False)
    freerun: Mapping[tuple[str, str], FreerunProcess] = field(init=False)
    _first_entries: Mapping[str, FreerunProcess] = field(init=False, repr=False, compare=False)
    calendars: Mapping[str, Calendar] = field(init=False)

    def __post_init__(self) -> None:
        managed = {p.name: p for p in self.processes if isinstance(p, ManagedProcess)}
        freerun = {(p.name, p.entry_name): p for p in self.processes if isinstance(p, FreerunProcess)}
        object.__setattr__(self, "managed", MappingProxyType(managed))
        object.__setattr__(self, "freerun", MappingProxyType(freerun))
        # The first of each process: backwards, so that it is what stays.
        object.__setattr__(self, "_first_entries", {p.name: p for p in reversed(list(freerun.values()))})
        zoned = [tree for tree in self.trees.values() if tree.time_zone != UTC_CALENDAR.time_zone]
        calendars = {name: Calendar(tree.time_zone) for tree in zoned for name in tree.enclosed_processes}
        object.__setattr__(self, "calendars", MappingProxyType(calendars))

    def entry(self, process: str, name: str) -> FreerunProcess | None:
        """Return what a freerun entry runs, and how: one that was made by a command is like the first of its process, but for its name.

        None where that process is not registered.
        """
        return self.freerun.get((process, name)) or self._first_entries.get(process)

    @cached_property
    def digest(self) -> str:
        """A short text that differs where what is registered does; the same on every box that has the same context."""
        import hashlib  # late: reading a context does not need it

        said = repr((self.processes, dict(self.trees), self.queues))
        return hashlib.sha256(said.encode()).hexdigest()[:12]

    @property
    def worked(self) -> tuple[ManagedProcess | FreerunProcess, ...]:
        """What workers work for: managed processes and freerun entries, in the order given."""
        return tuple(p for p in self.processes if not isinstance(p, DaemonProcess))

    def calendar_of(self, process: str) -> Calendar:
        """Return the calendar by which a process's periods begin and end: that of its tree."""
        return self.calendars.get(process, UTC_CALENDAR)


def managed_context_entry(  # noqa: PLR0913  the names and their order are the users' interface
    process_name: str,
    classname: str = "",
    token: str = "",
    time_qualifier: str = "",
    trigger_frequency: str = "every 60",
    *,
    argv: Sequence[str] = (),
    arguments: Mapping[str, object] | None = None,
    exchange: str | None = None,
    queue: str | None = None,
    routing: str | None = None,
    depends_on: Sequence[str | Dependency] = (),
    **fields: Any,
) -> ManagedProcess:
    """Return the entry of a process with timeperiods; every other field of `ManagedProcess` may be given by name.

    `queue` defaults to `queue_<token><qualifier>`, such as `queue_flights_hourly`. The entry is not checked here: a context is
    checked as a whole, so that all faults are listed at once.
    """
    queue_name = queue or f"queue_{token}{time_qualifier}"
    return ManagedProcess(
        name=process_name,
        token=token,
        time_qualifier=time_qualifier,
        classname=classname,
        argv=_texts(argv),
        trigger_frequency=trigger_frequency,
        arguments=dict(arguments or {}),
        exchange=exchange or MANAGED_EXCHANGE,
        queue=queue_name,
        routing=routing or queue_name,
        depends_on=_kept(depends_on),
        **fields,  # a wrong name is Python's own TypeError; a wrong value is found by the check
    )


def dependency_entry(
    process: str | Sequence[str], offset: int = 0, last: int = 1, *, any_of: bool = False, optional: bool = False
) -> Dependency:
    """Return what `depends_on` of a process may hold beside names: the same period of another one, or of several, moved or as a window.

    `offset=-1` is the period before; `last=7` are the 7 periods up to that one. Both count in periods of the process depended on.
    `any_of`: one good period of them all is enough. `optional`: wait for them, and go on where one was skipped.
    """
    return Dependency((process,) if isinstance(process, str) else _kept(process), offset, last, any_of, optional)


def source_entry(url: str, table: str, time: str, key: str = "") -> SourceEntry:
    """Return where the rows of a recomputing process come from: a table, or a collection of MongoDB.

    `time` is the column by which a row belongs to a period, `key` the one that orders rows; empty: their time does.
    """
    return SourceEntry(url, table, time, key)


def freerun_context_entry(  # noqa: PLR0913  the names and their order are the users' interface
    process_name: str,
    entry_name: str,
    classname: str = "",
    token: str = "",
    trigger_frequency: str = "",
    *,
    is_on: bool = True,
    description: str | None = None,
    argv: Sequence[str] = (),
    arguments: Mapping[str, object] | None = None,
    exchange: str | None = None,
    queue: str | None = None,
    **fields: Any,
) -> FreerunProcess:
    """Return an entry of a process that triggers start; every other field of `FreerunProcess` may be given by name.

    Arguments are copied, never shared between entries. The entries of one process share its queue, `queue_<token>_freerun`.
    """
    return FreerunProcess(
        process_name, entry_name, classname, token, trigger_frequency, is_on, description or "", dict(arguments or {}),
        queue or f"queue_{token}_freerun", exchange or FREERUN_EXCHANGE, _texts(argv), **fields,
    )  # fmt: skip


def daemon_context_entry(
    process_name: str, classname: str, token: str, *, present_on_boxes: str | None = None, arguments: Mapping[str, object] | None = None
) -> DaemonProcess:
    """Return the entry of a process that is just kept alive."""
    return DaemonProcess(process_name, classname, token, present_on_boxes, dict(arguments or {}))


def queue_context_entry(exchange: str, queue_name: str, routing: str | None = None) -> Queue:
    """Return the entry of a further queue; `routing` defaults to the queue's name."""
    return Queue(exchange, queue_name, routing or queue_name)


def timetable_tree_entry(
    tree_name: str,
    enclosed_processes: Sequence[str],
    dependent_on: Sequence[str] = (),
    mx_name: str | None = None,
    mx_page: str | None = None,
    *,
    time_zone: str = "UTC",
) -> Tree:
    """Return the entry of a tree; the order of `enclosed_processes` does not matter."""
    return Tree(tree_name, _texts(enclosed_processes), _texts(dependent_on), mx_name, mx_page, time_zone)


def _kept(given: Sequence[Any]) -> tuple[Any, ...]:
    # What is no list is kept as it is, so that the check can say so.
    return tuple(given) if isinstance(given, list) else cast(tuple[Any, ...], given)


def _texts(given: Sequence[str]) -> tuple[str, ...]:
    # A forgotten comma makes one text of a tuple of texts: kept as it is, so that the check can say so, and not cut into letters.
    return cast(tuple[str, ...], given) if isinstance(given, str) else tuple(given)


def first_period(process: ManagedProcess, default_start: str, calendar: Calendar = UTC_CALENDAR) -> Timeperiod:
    """Return the first timeperiod of a process: its own `start`, else the one that contains `default_start` (an hourly id, UTC)."""
    if process.start:
        return parse(process.qualifier, process.start)
    moment = parse(qualifier_named("_hourly"), default_start).start
    return Timeperiod(process.qualifier, calendar.containing(process.qualifier, moment))


def period_after_last(process: ManagedProcess) -> Timeperiod | None:
    """Return the first timeperiod that a process does not run any more, None where it goes on for ever."""
    return parse(process.qualifier, process.end) if process.end else None


def schedule_faults(text: str) -> str:
    """Return what is wrong with a schedule, empty when nothing is."""
    try:
        parse_schedule(text)
    except ValueError as error:
        return str(error)
    return ""
