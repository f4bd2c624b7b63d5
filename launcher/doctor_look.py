"""How is everything looked at that the doctor judges? One step after the other, each bounded in time; a step that fails is a finding.

Nothing is created, migrated or declared by looking.
"""

from __future__ import annotations

import logging
import os
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from db.migration import half_moved
from db.store import Store
from db.urls import sqlite_path
from launcher import boxes
from launcher.bounded import TooSlow, within
from launcher.context_check import counts_of
from launcher.doctor_seen import DiskSeen, FileSeen, Finding, Gravity, Seen, SkewSeen
from launcher.parts import Roof, opened_broker, opened_store, writing_fault
from launcher.query import found_on
from launcher.queue import queues_of
from launcher.secrets_file import fault_of
from launcher.web.address import NONE
from mq.broker import Broker
from mq.urls import certificates_left_s
from scheduler.health import read_health
from scheduler.registry import fit, read_registered
from settings import EMBEDDED, NO_ARCHIVE
from system.clock import RealClock
from system.context import DEAD_QUEUE
from system.errors import ConfigError, HorariumError
from system.timezones import zone_names
from system.tls import key_files

log = logging.getLogger(__name__)

_CLOCK = RealClock()  # skew is between machines, also in a trial
_MOST_OPEN = 1_000
_WRITE, _ANY = 0o022, 0o077
_ANY_BUT_GROUP_READS = 0o037
# What the units of systemd are given; passwords stand in it.
_ENVIRONMENT = Path("/etc/horarium/environment")


@dataclass
class Look:
    """What is looked at, by whom, and what came of it."""

    roof: Roof
    seen: Seen
    store: Store | None = None
    broker: Broker | None = None
    failed: list[Finding] = field(default_factory=list)


def look(roof: Roof) -> Look:
    """Look at everything; raises ConfigError where the settings can't be read."""
    found = Look(roof, Seen(roof.settings, is_store_begun=roof.has_store))
    for name, step in STEPS:
        _bounded(found, name, step)
    for part in (found.broker, found.store):
        if part is not None:
            _bounded(found, "close", lambda _, part=part: part.close())  # type: ignore[misc]
    return found


def _bounded(found: Look, name: str, step: Callable[[Look], None]) -> None:
    if name in ("store", "broker") and any(finding.check == name for finding in found.failed):
        return  # it does not answer: said once, and not waited for again
    try:
        within(found.seen.settings.doctor_s, lambda: step(found))
    except TooSlow as error:
        found.failed.append(Finding(name, Gravity.WRONG, f"{_what(step)}: {error}", _FIXES.get(name, _SLOW)))
    except HorariumError as error:
        found.failed.append(Finding(name, Gravity.WRONG, str(error), _FIXES.get(name, "")))
    except Exception as error:
        # The edge: whatever is wrong with one step, the others are taken.
        log.exception("the check %s failed itself", name)
        text = f"{_what(step)} failed itself: {type(error).__name__}: {error}"
        found.failed.append(Finding(name, Gravity.WRONG, text, "look at that by hand; a fault of this program should be reported"))


def _what(step: Callable[[Look], None]) -> str:
    return f"looking at {step.__name__.strip('_').replace('_', ' ')}"


_SLOW = "look why it is that slow, or set HORARIUM_DOCTOR_S to wait longer"
_FIXES = {
    "store": "is its server up, and STORE_URL (`launch.py settings`) right: host, port, user, password, database?",
    "broker": "is its server up, and BROKER_URL (`launch.py settings`) right: host, port, user, password, virtual host?",
}


def _machine(found: Look) -> None:
    seen = found.seen
    seen.python = sys.version_info[:3]
    seen.zones = len(zone_names()) if ZoneInfo("Europe/Berlin") else 0


def _folders(found: Look) -> None:
    seen, settings = found.seen, found.seen.settings
    try:
        if settings.folder.exists():
            seen.var_fault = writing_fault(settings.folder)
    except OSError as error:  # a folder on the way there can't be entered
        seen.var_fault = f"{settings.folder} can't be looked at ({error.strerror})"
    seen.secrets_fault = fault_of(settings)
    seen.files = tuple(_files(found))


def _files(found: Look) -> Iterator[FileSeen]:
    roof, settings = found.roof, found.seen.settings
    wanted: list[tuple[Path | None, str, int]] = [
        (_ENVIRONMENT, "the environment of the services", _ANY),
        (settings.folder, "where pid files and logs are", _WRITE),
        (sqlite_path(settings.store_url), "the store", _WRITE),
    ]
    if settings.context.endswith(".py"):
        wanted.append((Path(settings.context), "the context, whose code is run", _WRITE))
    if roof.settled.file:
        wanted.append((Path(roof.settled.file), "the settings", _WRITE))
    for of, url in (("store", settings.store_url), ("broker", settings.broker_url)):
        wanted += [(path, f"our private key for the {of}", _least_of_key(path)) for path in map(Path, key_files(url))]
    for path, what, least in wanted:
        if path is None:
            continue
        try:
            mode = path.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            text = f"{path}, {what}, can't be looked at ({error.strerror}): its mode is not known"
            found.failed.append(Finding("modes", Gravity.WARNING, text, "look as the user that runs Horarium, or as root"))
            continue
        yield FileSeen(str(path), what, stat.S_IMODE(mode) & _ANY, least)


def _least_of_key(path: Path) -> int:
    """Return which rights of others are too much. Whoever uses a key of root's reads it by its group, as PostgreSQL has it."""
    try:
        return _ANY_BUT_GROUP_READS if path.stat().st_uid == 0 else _ANY
    except OSError:
        return _ANY


def _disks(found: Look) -> None:
    settings = found.seen.settings
    database = sqlite_path(settings.store_url)
    places = {"var": settings.folder, "log": settings.folder / "log", "output": settings.folder / "output"}
    places |= {"store": database.absolute().parent} if database else {}
    places |= {"archive": Path(settings.archive)} if settings.archive != NO_ARCHIVE else {}
    disks: dict[int, DiskSeen] = {}
    for name, wanted in places.items():
        path = next(folder for folder in (wanted, *wanted.parents) if _is_seen(folder))
        key, free = path.stat().st_dev, os.statvfs(path)
        before = disks.get(key) or DiskSeen((), str(path), free.f_bavail * free.f_frsize, free.f_favail if free.f_files else None)
        disks[key] = replace(before, names=(*before.names, name))
    found.seen.disks = tuple(disks.values())


def _is_seen(folder: Path) -> bool:
    try:
        return folder.exists()
    except OSError:  # one above it can't be entered; that one lies on a disk too
        return False


def _daemons(found: Look) -> None:
    found.seen.daemons = found_on(found.seen.settings.folder)


def _context(found: Look) -> None:
    seen = found.seen
    try:
        context = found.roof.context
    except ConfigError as error:
        seen.context_fault = str(error)
        return
    seen.registers = counts_of(context)
    # The queue of dead letters is the broker's own, where it has one.
    seen.queues = tuple(queue for queue, readers in queues_of(context).items() if readers and queue != DEAD_QUEUE)


def _opening_the_store(found: Look) -> None:
    if not found.seen.is_store_begun:
        return
    store = opened_store(found.seen.settings)
    began = _CLOCK.now()
    facts = store.describe()
    ended = _CLOCK.now()
    found.store, found.seen.store = store, facts
    if facts.now is not None:
        doubt = (ended - began) / 2
        found.seen.skew = SkewSeen((facts.now - (began + doubt)).total_seconds(), doubt.total_seconds())


def _what_is_registered(found: Look) -> None:
    if _is_readable(found) and found.seen.registers:
        assert found.store is not None
        settings = found.seen.settings
        changes = fit(read_registered(found.store), found.roof.context, settings.timetable_start, found.roof.clock.now(), 0).changes
        found.seen.unapplied = tuple(dict.fromkeys(change.process for change in changes))


def _sessions_and_boxes(found: Look) -> None:
    if _is_readable(found):
        assert found.store is not None
        found.seen.health = read_health(found.store, found.roof.clock.now())
        found.seen.boxes = boxes.read(found.store)
        found.seen.half_moved_from = half_moved(found.store)
        found.seen.waiting_commands = len(found.store.open_commands(_MOST_OPEN))


def _is_readable(found: Look) -> bool:
    """Return whether the records can be read: they are there, and as this program knows them."""
    facts = found.seen.store
    return found.store is not None and facts is not None and facts.schema == facts.known and not facts.is_broken


def _the_broker(found: Look) -> None:
    settings = found.seen.settings
    if found.store is None and settings.broker_url == EMBEDDED:
        return  # it lives in the store, and that was said
    broker = opened_broker(settings, found.store)
    found.broker, found.seen.broker = broker, broker.describe(found.seen.queues)
    found.seen.broker_left_s = certificates_left_s(settings.broker_url, _CLOCK.now())


def _dashboard(found: Look) -> None:
    settings = found.seen.settings
    if settings.mx_listen == NONE:
        return
    from launcher.web.guarded import seen_of  # late: it knows the web server's parts

    users = None if not _is_readable(found) or found.store is None else len(found.store.papers("user", "", 1))
    found.seen.mx = seen_of(settings, users, _CLOCK.now())


STEPS: tuple[tuple[str, Callable[[Look], None]], ...] = (
    ("machine", _machine),
    ("folders", _folders),
    ("disks", _disks),
    ("daemons", _daemons),
    ("context", _context),
    ("store", _opening_the_store),
    ("store", _what_is_registered),
    ("store", _sessions_and_boxes),
    ("broker", _the_broker),
    ("mx", _dashboard),
)
