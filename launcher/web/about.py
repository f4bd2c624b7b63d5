"""What is this deployment, what does the doctor find, and how does it stand where its context can't be read?"""

from __future__ import annotations

import platform
import sys
import tomllib
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from threading import Lock

from launcher import boxes
from launcher.context_check import counts_of
from launcher.doctor import diagnose
from launcher.doctor_look import look
from launcher.doctor_seen import Gravity
from launcher.parts import ROOT, Roof
from launcher.settings_list import rows_of
from launcher.web.area import Area
from launcher.web.asked import asked
from launcher.web.parts import WebParts
from mx.models.about import About, BareStatus, Checkup, Fact, Finding, Presence, SettingRow
from scheduler.health import read_health
from settings import TABLE
from system.errors import ConfigError, HorariumError
from system.hidden import hide

_FRESH_S = 20.0
_PACKAGES = ("flask", "gunicorn", "sqlalchemy", "pymongo", "pika")


class AboutArea(Area):
    """Answers `mx.desk_about.AboutDesk`."""

    def __init__(self, parts: WebParts) -> None:
        super().__init__(parts)
        self._looking = Lock()
        self._found: Checkup | None = None
        self._found_s = 0.0

    def about(self, *, is_admin: bool = False) -> About:
        """Return versions, settings, store and broker."""
        roof = self.parts.roof
        return About(
            box=roof.settings.box,
            facts=tuple(_facts(roof)),
            settings=tuple(_setting(row, is_admin=is_admin) for row in rows_of(roof)),
            settings_file=roof.settled.file,
            store=self._told(self._store_facts),
            broker=self._told(self._broker_facts),
        )

    def checkup(self) -> Checkup:
        """Return what the doctor found when it looked last."""
        return (self._found or _NOTHING).model_copy(update={"is_looking": self._looking.locked()})

    def look_again(self) -> Checkup:
        """Have the doctor look, with connections of its own; who comes while it looks is told what it found before."""
        clock = self.parts.roof.clock
        if not self._looking.acquire(blocking=False):
            return self.checkup()
        try:
            began_s = clock.monotonic()
            if self._found is None or began_s - self._found_s > _FRESH_S:
                findings = _findings(self.parts.roof)
                self._found_s = clock.monotonic()
                self._found = Checkup(
                    at=self.now(), seconds=round(self._found_s - began_s, 2), is_looking=False, findings=findings,
                    is_well=not any(finding.gravity == Gravity.WRONG.value for finding in findings),
                )  # fmt: skip
        finally:
            self._looking.release()
        return self.checkup()

    @asked
    def bare_status(self) -> BareStatus | None:
        """Return how all stands where the context can't be read."""
        try:
            self.parts.roof.context  # noqa: B018  read for its faults
        except ConfigError as error:
            fault = str(error)
        else:
            return None
        health, rows = read_health(self.parts.store, self.now()), boxes.read(self.parts.store)
        return BareStatus(
            fault=hide(fault), leader=health.leader, last_turn=health.last_turn, last_turn_age_s=health.last_turn_age_s,
            sessions=tuple(
                Presence(kind=each.kind, box=each.box, pid=each.pid, since=each.opened_at)
                for each in sorted(health.sessions, key=lambda each: (each.kind, each.box, each.pid))
            ),
            boxes=tuple(boxes.box_lines(rows)), troubles=tuple(map(hide, boxes.troubles_of(rows))),
        )  # fmt: skip

    @asked
    def _store_facts(self) -> tuple[Fact, ...]:
        found = self.parts.store.describe()
        facts = [("server", found.server), ("schema", f"version {found.schema}, this program's is {found.known}")]
        facts += [("unsupported", found.unsupported)] if found.unsupported else []
        facts += [("missing", ", ".join(found.missing))] if found.missing else []
        return _as_facts(facts)

    @asked
    def _broker_facts(self) -> tuple[Fact, ...]:
        found = self.parts.joined.broker.describe([])
        facts = [("server", found.server)]
        facts += [("unsupported", found.unsupported)] if found.unsupported else []
        facts += [("missing", ", ".join(found.missing))] if found.missing else []
        return _as_facts([*facts, *(("note", text) for text in found.notes)])

    def _told(self, ask: Callable[[], tuple[Fact, ...]]) -> tuple[Fact, ...]:
        """Return the facts; that they can't be asked for is one, too."""
        try:
            return ask()
        except HorariumError as error:
            return (Fact(name="away", value=hide(str(error))),)


_NOTHING = Checkup(at=None, seconds=0.0, is_well=False, is_looking=False, findings=())


def _as_facts(pairs: Sequence[tuple[str, str]]) -> tuple[Fact, ...]:
    return tuple(Fact(name=name, value=hide(value)) for name, value in pairs)


def _facts(roof: Roof) -> tuple[Fact, ...]:
    """Return what this program is and what it runs by; needs no store."""
    try:
        context = f"{roof.settings.context}: {counts_of(roof.context)}"
    except ConfigError as error:
        context = f"{roof.settings.context} can't be read: {error}"
    facts = [("Horarium", _horarium()), ("Python", f"{platform.python_version()} ({sys.executable})"), ("box", roof.settings.box)]
    facts += [("system", _system()), ("context", context), ("written to", str(roof.settings.folder))]
    return _as_facts([*facts, *((name, found) for name in _PACKAGES if (found := _installed(name)))])


@cache
def _system() -> str:
    return platform.platform()


@cache
def _horarium() -> str:
    """Return this program's version, as pyproject.toml has it."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


@cache
def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _setting(row: dict[str, object], *, is_admin: bool) -> SettingRow:
    name = str(row["setting"])
    is_delicate = bool(TABLE[name].metadata["may_hold_password"] or TABLE[name].metadata["is_secret"])
    value = row["value"]
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return SettingRow(
        name=name, value=text if is_admin or not is_delicate else None, unit=str(row["unit"]), help=str(row["help"]),
        place=str(row["from"]), is_delicate=is_delicate,
    )  # fmt: skip


def _findings(roof: Roof) -> tuple[Finding, ...]:
    """Return what the doctor finds now, the gravest first."""
    own = Roof(environ=roof.environ, here=roof.here, given_clock=roof.given_clock, given=roof.given)  # the context as it is now
    try:
        found = diagnose(look(own))
    except ConfigError as error:
        return (Finding(check="settings", gravity=Gravity.WRONG.value, text=hide(str(error)), fix="`launch.py settings`"),)
    return tuple(Finding(check=each.check, gravity=each.gravity.value, text=hide(each.text), fix=hide(each.fix)) for each in found)
