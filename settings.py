"""What can be set for a deployment? Read at the roof and handed down; no module below reads settings or the environment.

The fields of `Settings` are the one table: name, type, default, unit and help. Where values come from (a file, the environment, the
command line) is told by layers; a later layer overrules an earlier one.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from system.clock import trial_of
from system.errors import ConfigError, TimeperiodError
from system.processes import cpu_count
from system.timeperiod import HOURLY, parse

PREFIX = "HORARIUM_"
# Names the settings file; `none` means that there is none. No setting itself, since it leads to them.
FILE_VARIABLE = PREFIX + "SETTINGS"
NO_FILE = "none"
# Tells a child where the settings came from that it is handed by its environment; no setting itself either.
PLACES_VARIABLE = PREFIX + "PLACES"
NO_ARCHIVE = "none"
EMBEDDED = "embedded:"  # the broker that lives in the store's file
# Settings that name a file, which need not be there.
FILES = ("secrets_file", "mx_certificate", "mx_key")
# Settings that take one of a few words.
CHOICES: Mapping[str, tuple[str, ...]] = {"mx_login": ("auto", "always"), "mx_metrics": ("login", "open")}
# What the product sets itself, for the processes and jobs that it starts; never settings.
CHILD_MARKS = frozenset(
    PREFIX + name
    for name in (
        "WORKER", "UOW", "FENCE", "ATTEMPT", "PROCESS", "TIMEPERIOD", "QUALIFIER",
        "START_TIMEPERIOD", "END_TIMEPERIOD", "START", "END", "ARGUMENTS", "SLICE",
    )
)
# What belongs to jobs, by names of the user's own; neither settings nor shown.
JOBS_OWN = (PREFIX + "SECRET_", PREFIX + "CONNECTION_")
# What a command goes by, and nothing that is kept running.
OF_COMMANDS = frozenset({"url", "token"})
DEFAULT, FILE, ENVIRONMENT, COMMAND_LINE = "default", "file", "environment", "command line"


_MOST = 10**12


def _setting(
    default: Any, unit: str, text: str, *, least: float | None = None, most: float = _MOST, may_hold_password: bool = False,
    is_secret: bool = False,
) -> Any:
    """Return a row of the table. `least` and `most` are the lowest and the highest number that is taken."""
    facts = {"unit": unit, "help": text, "least": least, "most": most, "may_hold_password": may_hold_password, "is_secret": is_secret}
    return field(default=default, metadata=facts)


@dataclass(frozen=True, slots=True)
class Layer:
    """What one place says: values by setting, as texts (or as TOML has them). Relative paths start at `folder`."""

    place: str
    values: Mapping[str, object]
    folder: Path
    path: str = ""  # of the settings file

    def says(self, name: str) -> str:
        """Return how a message calls a setting that was given here."""
        if self.place == ENVIRONMENT:
            return PREFIX + name.upper()
        return f"{name} in {self.path}" if self.place == FILE else f"--set {name}"


def from_environment(environ: Mapping[str, str]) -> Layer:
    """Return the layer of the variables that begin with `HORARIUM_`."""
    ours = {n: text for n, text in environ.items() if n.startswith(PREFIX) and not n.startswith(JOBS_OWN)}
    taken = {n: text for n, text in ours.items() if n not in CHILD_MARKS | {FILE_VARIABLE, PLACES_VARIABLE}}
    return Layer(ENVIRONMENT, {n.removeprefix(PREFIX).lower(): text for n, text in taken.items()}, Path.cwd())


@dataclass(frozen=True)
class Settings:
    """Everything that can be set. Paths are absolute once loaded."""

    context: str = _setting("context.py", "path or module", "the process context: a .py file, or a dotted module name")
    var: str = _setting("var", "path", "folder for everything that is written")
    store_url: str = _setting("", "URL", "the store; unset: sqlite:///<var>/horarium.db", may_hold_password=True)
    broker_url: str = _setting(EMBEDDED, "URL", "the broker; embedded: is a queue in the store's file", may_hold_password=True)
    box: str = _setting("", "name", "this machine's name, unique in a deployment; unset: its host name")
    workers: int = _setting(0, "processes", "workers of this box; 0: one per CPU, at most 2", least=0)
    scheduler_boxes: str = _setting("", "regular expression", "boxes that keep a scheduler, matched whole; unset: every box")
    mx_listen: str = _setting(
        "", "HOST:PORT", "where the dashboard listens; none: there is none; unset: 127.0.0.1, the first free port from 8642 on"
    )
    mx_login: str = _setting("auto", "auto or always", "who opens the dashboard logs in; auto: unless it listens to this machine only")
    mx_hosts: str = _setting("", "names by commas", "by which the dashboard is called, beside this machine's own; *: by any")
    mx_trusted_proxies: str = _setting("", "addresses by commas", "proxies before the dashboard, whose X-Forwarded headers are believed")
    mx_certificate: str = _setting("", "path", "PEM file with the dashboard's certificate, and those that vouch for it; TLS from then on")
    mx_key: str = _setting("", "path", "PEM file with the certificate's key; only its owner may use it")
    mx_session_h: float = _setting(24.0, "hours", "a login to the dashboard lasts no longer", least=0.01, most=8760)
    mx_idle_h: float = _setting(8.0, "hours", "without a page being asked for by a person, a login ends", least=0.01, most=8760)
    mx_metrics: str = _setting("login", "login or open", "who may fetch /metrics; open: anybody, without a token")
    url: str = _setting("", "URL", "a dashboard's address: commands that look or act ask it, and no store of this box")
    token: str = _setting("", "token", "what commands log in with at `url`; `launch.py token add` gives one", is_secret=True)
    slots: int = _setting(2, "units of work", "what one worker runs at once", least=1)
    backfill_share: float = _setting(
        0.75, "part of 1", "part of a worker's slots that backfill may hold; one is left to live work, unless this is 1", least=0, most=1
    )
    timetable_start: str = _setting("2020010100", "hourly id, UTC", "first period of processes without a start of their own")
    trial_clock: str = _setting("", "START@SPEED", "for trials: a clock that begins there, in UTC, and goes so fast; unset: the real one")
    lease_s: float = _setting(30.0, "seconds", "without a beat for so long a session is lost; at least 3 times beat_s")
    beat_s: float = _setting(2.0, "seconds", "between two beats")
    take_over_s: float = _setting(
        5.0, "seconds", "so soon after the leading scheduler vanished another one leads; lease_s where that is less", least=1
    )
    sweep_s: float = _setting(2.0, "seconds", "between two second looks of the scheduler")
    poll_s: float = _setting(2.0, "seconds", "between looks at a queue whose bell did not ring")
    stop_grace_s: float = _setting(10.0, "seconds", "from the request to stop until the kill")
    output_limit_bytes: int = _setting(262_144, "bytes", "what is kept of one attempt's output", least=1)
    keep_uows_days: int = _setting(90, "days", "units of work that ended longer ago are archived; 0: kept for ever", least=0)
    keep_turns_days: int = _setting(90, "days", "turns and answered commands older than this are archived; 0: kept for ever", least=0)
    keep_jobs_days: int = _setting(0, "days", "records of jobs finished longer ago are archived; 0: kept for ever", least=0)
    keep_output_days: int = _setting(30, "days", "output of units of work that ended longer ago is archived; 0: kept for ever", least=0)
    archive: str = _setting("", "path or none", "folder of what is archived; unset: <var>/archive; none: it is dropped")
    secrets_file: str = _setting("", "path", "TOML file with [secrets] and [connections] for jobs; only its owner may use it")
    disk_low_mb: int = _setting(2_000, "MB", "`doctor` warns of a disk with less space left", least=0)
    disk_least_mb: int = _setting(200, "MB", "`doctor` finds a disk with less space left wrong", least=0)
    skew_low_s: float = _setting(2.0, "seconds", "`doctor` warns of a clock that differs by more from the store's")
    doctor_s: float = _setting(10.0, "seconds", "how long each check of `doctor` may take")
    log_bytes: int = _setting(10_000_000, "bytes", "size at which a log file is rotated; 0: never", least=0)
    log_count: int = _setting(5, "files", "rotated log files that are kept", least=1)

    @classmethod
    def load(cls, environ: Mapping[str, str], here: Path) -> Settings:
        """Return the settings that `environ` alone leads to; as `settled`."""
        return settled([from_environment(environ)], here).settings

    def environ(self) -> dict[str, str]:
        """Return the variables that lead a child to these very settings, wherever it runs and whatever has become of the file.

        What is for commands alone is none of its business.
        """
        names = [f.name for f in fields(self) if getattr(self, f.name) != "" and f.name not in OF_COMMANDS]
        return {**{PREFIX + name.upper(): str(getattr(self, name)) for name in names}, FILE_VARIABLE: NO_FILE}

    @property
    def folder(self) -> Path:
        """The folder for everything that is written."""
        return Path(self.var)


@dataclass(frozen=True)
class Settled:
    """Settings, and by name the place that each value came from. `file` is the settings file, empty where there is none."""

    settings: Settings
    places: Mapping[str, str]
    file: str = ""

    def environ(self) -> dict[str, str]:
        """Return the variables that lead a child to these very settings, and tell it where they came from."""
        given = {name: place for name, place in self.places.items() if place != DEFAULT}
        return {**self.settings.environ(), PLACES_VARIABLE: json.dumps({"file": self.file, "places": given})}

    def as_told(self, text: str) -> Settled:
        """Return these settings, with the places that the parent told of; what the command line says is newer. Raises ConfigError."""
        try:
            told = json.loads(text)
            places, file = dict(told["places"]), str(told["file"])
        except (ValueError, KeyError, TypeError):
            raise ConfigError(f"{PLACES_VARIABLE} is set by Horarium for its own children: unset it") from None
        newer = {name: place for name, place in self.places.items() if place == COMMAND_LINE}
        return replace(self, places={**dict.fromkeys(TABLE, DEFAULT), **places, **newer}, file=file)


TABLE: Mapping[str, Field[Any]] = {f.name: f for f in fields(Settings)}


def settled(layers: Iterable[Layer], here: Path) -> Settled:
    """Return what the layers lead to, the last one overruling; defaults that are paths lie in `here`.

    Raises ConfigError with every fault: names that don't exist, values that can't be read.
    """
    faults: list[str] = []
    values: dict[str, Any] = {}
    places = dict.fromkeys(TABLE, DEFAULT)
    starts = {"context": here, "var": here, "archive": here}  # where the relative paths begin
    file = ""
    for layer in layers:
        file = file or layer.path
        for name, given in sorted(layer.values.items()):
            if name not in TABLE:
                faults.append(_unknown(layer, name))
                continue
            try:
                values[name] = _value(name, given, layer)
            except ValueError as error:
                faults.append(f"{layer.says(name)} is {given!r}: {error}")
            places[name], starts[name] = layer.place, layer.folder
    loaded = Settings(**values)
    if loaded.lease_s < 3 * loaded.beat_s:
        faults.append(f"HORARIUM_LEASE_S is {loaded.lease_s:g}: expected 3 times HORARIUM_BEAT_S ({loaded.beat_s:g}) or more")
    if faults:
        raise ConfigError("\n".join(["the settings can't be used:", *(f"  - {f}" for f in faults)]), tuple(faults))
    return Settled(_resolved(loaded, starts), places, file)


def _resolved(loaded: Settings, starts: Mapping[str, Path]) -> Settings:
    var = starts["var"] / Path(loaded.var).expanduser()
    is_file = loaded.context.endswith(".py")  # else a dotted module name
    values = {name: getattr(loaded, name) for name in TABLE}
    values.update(
        var=str(var),
        context=str(starts["context"] / Path(loaded.context).expanduser()) if is_file else loaded.context,
        store_url=loaded.store_url or f"sqlite:///{var}/horarium.db",
        archive=str(var / "archive") if not loaded.archive else _archive(loaded.archive, starts["archive"]),
        **{name: str(starts[name] / Path(given).expanduser()) for name in FILES if (given := getattr(loaded, name))},
        box=loaded.box or os.uname().nodename,
        workers=loaded.workers or min(2, cpu_count()),
    )
    return Settings(**values)


def _archive(given: str, start: Path) -> str:
    return given if given == NO_ARCHIVE else str(start / Path(given).expanduser())


def _unknown(layer: Layer, name: str) -> str:
    known = {PREFIX + each.upper(): each for each in TABLE} if layer.place == ENVIRONMENT else {each: each for each in TABLE}
    import difflib  # late: only a fault needs it

    said = PREFIX + name.upper() if layer.place == ENVIRONMENT else name
    near = difflib.get_close_matches(said, known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{layer.says(name)} is not a setting: {hint}there are {', '.join(sorted(known))}"


def _value(name: str, given: object, layer: Layer) -> str | int | float:
    """Return what was given as the setting's type; raises ValueError, which says what is expected."""
    kind = str(TABLE[name].type)
    if kind == "str":
        return _text(name, given, layer)
    least = 0.001 if TABLE[name].metadata["least"] is None else TABLE[name].metadata["least"]
    most = TABLE[name].metadata["most"]
    noun = "a whole number" if kind == "int" else "a number of seconds" if TABLE[name].metadata["unit"] == "seconds" else "a number"
    expected = f"expected {noun}, {least} or more" if most == _MOST else f"expected {noun} from {least} to {most}"
    is_readable = isinstance(given, int | float) and not isinstance(given, bool)
    if not is_readable and (layer.place == FILE or not isinstance(given, str)):
        raise ValueError(f"{expected}, without quotes")
    try:
        number = int(str(given)) if kind == "int" else float(str(given))
    except ValueError:
        raise ValueError(expected) from None
    if not least <= number <= most:  # also refuses nan and inf
        raise ValueError(expected)
    return number


def _text(name: str, given: object, layer: Layer) -> str:
    if not isinstance(given, str):
        raise ValueError("expected a text, in quotes")  # noqa: TRY004  one family of faults
    if not given.strip() or "\0" in given:
        raise ValueError("expected a text that is not empty; leave the setting out for the default")
    _refuse_text(name, given)
    return store_from(given, layer.folder) if name == "store_url" else given


def store_from(url: str, folder: Path) -> str:
    """Return a store's URL in which the path of a file is absolute: jobs run in other folders, and are to be led to the same one."""
    scheme, slashes, path = url.partition(":///")
    is_relative = scheme == "sqlite" and slashes and path not in ("", ":memory:") and not path.startswith("/")
    return f"sqlite:///{folder / path}" if is_relative else url


def _refuse_text(name: str, given: str) -> None:
    """Raise ValueError, which says what is expected, where a text is not what its setting takes."""
    if name == "timetable_start":
        try:
            parse(HOURLY, given)
        except TimeperiodError as error:
            raise ValueError(f"expected an hourly timeperiod: {error}") from error
    if name == "scheduler_boxes":
        try:
            re.compile(given)
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(f"expected a regular expression: {error}") from error
    if name in CHOICES and given not in CHOICES[name]:
        raise ValueError(f"expected {' or '.join(CHOICES[name])}")
    if name == "trial_clock":
        trial_of(given)
    if name == "box" and any(c.isspace() or c == "/" for c in given):
        raise ValueError("expected a name without spaces and slashes, such as a host name")
