"""What can be set for a deployment? Read at the roof and handed down; no module below reads settings or the environment."""

from __future__ import annotations

import difflib
import socket
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from system.errors import ConfigError, TimeperiodError
from system.processes import cpu_count
from system.timeperiod import HOURLY, parse

PREFIX = "HORARIUM_"
# What the product sets itself, for the processes and jobs that it starts; never settings.
CHILD_MARKS = frozenset(
    PREFIX + name
    for name in (
        "WORKER", "UOW", "FENCE", "ATTEMPT", "PROCESS", "TIMEPERIOD", "QUALIFIER",
        "START_TIMEPERIOD", "END_TIMEPERIOD", "START", "END", "ARGUMENTS",
    )
)


@dataclass(frozen=True)
class Settings:
    """Everything that can be set; `HORARIUM_<NAME>` overrules a default. Paths are absolute once loaded."""

    context: str = "context.py"  # a path to a .py file, or a dotted module name
    var: str = "var"  # folder for everything that is written
    store_url: str = ""  # sqlite:///<var>/horarium.db
    broker_url: str = "embedded:"
    box: str = ""  # this machine's name, its host name by default; unique in a deployment
    workers: int = 0  # worker processes of this box; 0: one per CPU, at most 2
    slots: int = 2  # units of work that one worker runs at once
    timetable_start: str = "2020010100"  # hourly id, UTC: the first period of processes without a start of their own
    lease_s: float = 30.0  # seconds without a beat after which a session is lost
    beat_s: float = 2.0  # seconds between beats
    sweep_s: float = 2.0  # seconds between second looks
    poll_s: float = 1.0  # seconds between looks at a queue whose bell did not ring
    stop_grace_s: float = 10.0  # seconds from the request to stop until the kill
    output_limit_bytes: int = 262_144  # what is kept of one attempt's output
    log_bytes: int = 10_000_000  # size at which a log file is rotated
    log_count: int = 5  # rotated log files that are kept

    @classmethod
    def load(cls, environ: Mapping[str, str], here: Path) -> Settings:
        """Return the settings that `environ` leads to; defaults that are paths lie in `here`.

        Raises ConfigError with every fault: names that don't exist, values that can't be read.
        """
        given = {name: text for name, text in environ.items() if name.startswith(PREFIX) and name not in CHILD_MARKS}
        known = {PREFIX + f.name.upper(): f for f in fields(cls)}
        faults = [_unknown(name, sorted(known)) for name in sorted(given) if name not in known]
        values: dict[str, str | int | float] = {}
        for name, text in given.items():
            if name in known:
                try:
                    values[known[name].name] = _value(str(known[name].type), known[name].name, text)
                except ValueError as error:
                    faults.append(f"{name} is {text!r}: {error}")
        loaded = cls(**values)  # type: ignore[arg-type]  # each value was read by its field's type
        if loaded.lease_s < 3 * loaded.beat_s:
            faults.append(f"HORARIUM_LEASE_S is {loaded.lease_s:g}: expected 3 times HORARIUM_BEAT_S ({loaded.beat_s:g}) or more")
        if faults:
            raise ConfigError("\n".join(["the settings in the environment can't be used:", *(f"  - {f}" for f in faults)]), tuple(faults))
        return loaded._resolved(here, frozenset(values))

    def environ(self) -> dict[str, str]:
        """Return the variables that lead a child to these very settings, wherever it runs."""
        return {PREFIX + f.name.upper(): str(getattr(self, f.name)) for f in fields(self)}

    @property
    def folder(self) -> Path:
        """The folder for everything that is written."""
        return Path(self.var)

    def _resolved(self, here: Path, given: frozenset[str]) -> Settings:
        var = (Path.cwd() if "var" in given else here) / Path(self.var).expanduser()
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        values.update(
            var=str(var),
            context=_context_place(self.context, here, is_given="context" in given),
            store_url=self.store_url or f"sqlite:///{var}/horarium.db",
            box=self.box or socket.gethostname(),
            workers=self.workers or min(2, cpu_count()),
        )
        return Settings(**values)


def _context_place(text: str, here: Path, *, is_given: bool) -> str:
    if not text.endswith(".py"):
        return text  # a dotted module name
    return str((Path.cwd() if is_given else here) / Path(text).expanduser())


def _unknown(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{name} is not a setting: {hint}there are {', '.join(known)}"


def _value(kind: str, name: str, text: str) -> str | int | float:
    """Return `text` as a field of type `kind`; raises ValueError, which says what is expected."""
    if kind == "str":
        return _text(name, text)
    expected = "a whole number" if kind == "int" else "a number of seconds"
    lowest = 0 if name in {"workers", "log_count", "log_bytes"} else 1 if kind == "int" else 0.001
    try:
        number = int(text) if kind == "int" else float(text)
    except ValueError:
        raise ValueError(f"expected {expected}, {lowest} or more") from None
    if not lowest <= number <= 10**12:  # also refuses nan and inf
        raise ValueError(f"expected {expected}, {lowest} or more")
    return number


def _text(name: str, text: str) -> str:
    if not text.strip() or "\0" in text:
        raise ValueError("expected a text that is not empty; unset the variable for the default")
    if name == "timetable_start":
        try:
            parse(HOURLY, text)
        except TimeperiodError as error:
            raise ValueError(f"expected an hourly timeperiod: {error}") from error
    if name == "box" and any(c.isspace() or c == "/" for c in text):
        raise ValueError("expected a name without spaces and slashes, such as a host name")
    return text
