"""How are settings turned into parts: store, broker, context, and the figures that each tenant goes by?"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, redirect_stdout
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from db.urls import open_store, sqlite_path
from launcher import store_mark
from launcher.clocks import clock_of
from launcher.sources import settle
from settings import EMBEDDED, NO_ARCHIVE, OF_COMMANDS, PREFIX, Settings, Settled
from system.clock import Clock
from system.context import Context
from system.context_check import load_context
from system.errors import BrokerAway, ConfigError, Unavailable

if TYPE_CHECKING:
    from db.store import Store
    from mq.broker import Broker
    from scheduler.desk import Desk
    from scheduler.keeper import Keeper
    from scheduler.policy import SchedulerSettings
    from system.archive import Archive
    from workers.policy import WorkerSettings

# Variables of commands alone, among them a token: neither daemons nor jobs have any business with them.
OWN_VARIABLES = frozenset(PREFIX + name.upper() for name in OF_COMMANDS)
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Joined:
    """A store and the broker beside it, open and prepared."""

    store: Store
    broker: Broker


@dataclass
class Roof:
    """What a command is given: settings and context, read when they are first asked for, and ways to the parts.

    `given` are settings of the command line, NAME=VALUE.
    """

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    here: Path = ROOT
    given_clock: Clock | None = None
    given: tuple[str, ...] = ()
    elsewhere: Context | None = None  # what is registered where the setting `url` leads, once that was asked for

    @cached_property
    def clock(self) -> Clock:
        """The clock to go by: the real one, or that of a trial; raises ConfigError."""
        return self.given_clock or clock_of(self.settings)

    @cached_property
    def settled(self) -> Settled:
        """The settings, and where each came from; raises ConfigError."""
        return settle(self.environ, self.given, self.here)

    @property
    def settings(self) -> Settings:
        """The settings; raises ConfigError."""
        return self.settled.settings

    @cached_property
    def context(self) -> Context:
        """The process context, checked; raises ConfigError that lists all faults."""
        # A context that prints must not get between a program and the JSON that it reads.
        with redirect_stdout(sys.stderr):
            return load_context(self.settings.context, self.settings.timetable_start)

    def child_environ(self) -> dict[str, str]:
        """Return the environment of what is kept running: what this command inherited, but for what is for commands alone."""
        kept = {name: text for name, text in os.environ.items() if name not in OWN_VARIABLES}
        return {**kept, **self.settled.environ()}

    @property
    def has_store(self) -> bool:
        """Whether there is a store to look into: a file that nobody has written yet is none. A server is taken to be there."""
        file = sqlite_path(self.settings.store_url)
        try:
            return file is None or file.exists() or store_mark.is_missing(self.settings)
        except OSError:  # a folder on the way can't be entered: who opens the store says so
            return True

    @contextmanager
    def joined(self, *, patience_s: float | None = None) -> Iterator[Joined]:
        """Open store and broker, and close them in the end; raises ConfigError, StoreError or BrokerError. See `open_parts`.

        With a patience no broker is needed: one that does not answer in that time raises BrokerAway where it is asked.
        """
        with open_parts(self.settings, beside=None if patience_s is None else self.beside(patience_s)) as parts:
            yield parts

    @contextmanager
    def looked_into(self) -> Iterator[Store]:
        """Open the store as it is, and close it in the end. Raises as `opened_store`; what is asked raises where it was never prepared."""
        with closing(opened_store(self.settings)) as store:
            yield store

    def beside(self, patience_s: float) -> Callable[[Broker], Broker]:
        """Return what lets a broker be asked beside all else, and for so long at most."""
        from launcher.beside import BesideBroker  # late, as most commands need the broker

        return lambda broker: BesideBroker(broker, self.clock.monotonic, patience_s=patience_s)

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        """Open a desk over store and broker; the context is checked first, since that costs nothing."""
        self.context  # noqa: B018  read for its faults
        with self.joined() as parts:
            yield self.desk_over(parts)

    def desk_over(self, parts: Joined) -> Desk:
        """Return a desk over parts that are open."""
        from scheduler.desk import Desk  # late: it knows the whole engine, which most commands do without

        return Desk(parts.store, parts.broker, self.context, self.clock, scheduler_settings(self.settings))


@contextmanager
def open_parts(settings: Settings, *, beside: Callable[[Broker], Broker] | None = None) -> Iterator[Joined]:
    """Open and prepare the store and the broker that the URLs name; close them in the end.

    Raises Unavailable where they are away (BrokerAway where it is the broker), also where a store's file is gone that was there: none is
    begun in its place. With `beside`, which is given a broker that is a server, that is not asked here whether it is there: what it is
    asked later raises why.
    """
    for name, url in (("STORE_URL", settings.store_url), ("BROKER_URL", settings.broker_url)):
        if url == "memory:":  # before anything is written
            raise ConfigError(f"{PREFIX}{name} is memory:, which lives in one process only; unset it for the default")
    make_writable(settings.folder)
    store = opened_store(settings)
    try:
        store.prepare()
        store_mark.note(settings)
        _refuse_half(store)
        broker = opened_broker(settings, store)
        patient = beside if settings.broker_url != EMBEDDED else None
        if patient:
            broker = patient(broker)
        try:
            if not patient:
                _prepare_broker(broker)
            yield Joined(store, broker)
        finally:
            broker.close()
    finally:
        store.close()


def _prepare_broker(broker: Broker) -> None:
    try:
        broker.prepare()
    except Unavailable as error:
        raise BrokerAway(str(error)) from error


def _refuse_half(store: Store) -> None:
    from db.migration import half_moved

    if origin := half_moved(store):
        raise ConfigError(f"the store is half of a move from {origin}: `launch.py migrate` with the same URLs goes on with it")


def opened_store(settings: Settings) -> Store:
    """Return the store that the settings name, not yet prepared; raises ConfigError that names the setting, StoreError, or Unavailable."""
    is_missing = store_mark.is_missing(settings)
    try:
        with _said_of("STORE_URL"):
            return open_store(settings.store_url, may_create=not is_missing)
    except Unavailable as error:
        raise Unavailable(f"{error}{'. To begin with an empty one: `launch.py db --reset`' if is_missing else ''}") from error


def opened_broker(settings: Settings, store: Store | None) -> Broker:
    """Return the broker that the settings name, not yet prepared; to be closed before `store`, which it may live in."""
    from mq.urls import open_broker

    with _said_of("BROKER_URL"):
        return open_broker(settings.broker_url, file=getattr(store, "file", None), var=settings.folder)


def _refusal(folder: Path) -> str:
    """Return why a folder that exists takes no writes. A disk that turned read-only is no matter of permissions."""
    is_read_only = os.statvfs(folder).f_flag & os.ST_RDONLY
    return "its disk is mounted read-only, as after an error of the disk: see `dmesg`" if is_read_only else "permission denied"


@contextmanager
def _said_of(name: str) -> Iterator[None]:
    """Name the setting in what is raised inside: the parts below know nothing of settings."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{PREFIX}{name}: {error}") from error


def make_writable(folder: Path) -> None:
    """Create the folder for everything that is written; raises ConfigError where this user can't write there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        problem = writing_fault(folder)
    except OSError as error:
        problem = _unwritable(folder, (error.strerror or str(error)).lower())
    if problem:
        raise ConfigError(f"{problem}: make it writable for this user, or set {PREFIX}VAR to another folder")


def writing_fault(folder: Path) -> str:
    """Return why this user can't write in a folder that exists, empty where that goes."""
    return "" if os.access(folder, os.W_OK | os.X_OK) else _unwritable(folder, _refusal(folder))


def _unwritable(folder: Path, why: str) -> str:
    return f"{folder} can't be written ({why})"


def scheduler_settings(settings: Settings) -> SchedulerSettings:
    """Return the figures that a scheduler (and a desk) goes by."""
    from scheduler.policy import SchedulerSettings  # late, as is what else some starts need and others not

    take_over_s = min(settings.take_over_s, settings.lease_s)
    return SchedulerSettings(
        timetable_start=settings.timetable_start,
        lease_s=settings.lease_s,
        # A silence, a look and the taking over itself must fit into what was promised, and several beats into the silence.
        beat_s=min(settings.beat_s, 0.15 * take_over_s),
        calm_beat_s=min(settings.beat_s, 0.35 * take_over_s),
        silence_s=0.7 * take_over_s,
        follow_s=min(0.25, 0.05 * take_over_s),
        sweep_s=settings.sweep_s,
    )


def keeper_over(settings: Settings, store: Store, clock: Clock) -> Keeper:
    """Return who keeps house in a store."""
    from scheduler.keeper import Keeper, KeeperSettings
    from system.archive import Files, Nowhere

    figures = KeeperSettings(
        uows_days=settings.keep_uows_days,
        jobs_days=settings.keep_jobs_days,
        turns_days=settings.keep_turns_days,
        output_days=settings.keep_output_days,
    )
    archive: Archive = Nowhere() if settings.archive == NO_ARCHIVE else Files(Path(settings.archive))
    return Keeper(store, archive, clock, figures)


def worker_settings(settings: Settings) -> WorkerSettings:
    """Return the figures that a worker goes by. Its own stop is over before the supervisor's patience is."""
    from workers.policy import WorkerSettings

    return WorkerSettings(
        slots=settings.slots,
        beat_s=settings.beat_s,
        lease_s=settings.lease_s,
        margin_s=min(3.0, settings.lease_s / 10),
        poll_s=settings.poll_s,
        end_grace_s=min(5.0, settings.stop_grace_s / 5),
        stop_grace_s=settings.stop_grace_s * 0.6,
        output_limit_bytes=settings.output_limit_bytes,
        backfill_share=settings.backfill_share,
    )


def fingerprint(settings: Settings, context: Context) -> str:
    """Return a text that changes with anything that a running scheduler or worker would have to take up."""
    import hashlib

    texts = [f"{f.name}={getattr(settings, f.name)}" for f in fields(settings) if f.name != "workers" and f.name not in OF_COMMANDS]
    return hashlib.sha256("\n".join([*texts, repr(context.processes), repr(dict(context.trees)), context.folder]).encode()).hexdigest()
