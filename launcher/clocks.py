"""Which clock does this deployment go by? The real one, or a trial's, which all its processes share."""

from __future__ import annotations

import contextlib
import os
from datetime import datetime
from pathlib import Path

from settings import Settings
from system.clock import Clock, RealClock, TrialClock, trial_of
from system.errors import ConfigError

# Holds the real moment at which the trial began: whoever comes first writes it, everybody goes by it.
FILE = "trial_clock"


def clock_of(settings: Settings) -> Clock:
    """Return the clock of a deployment; raises ConfigError where the file of its trial can't be read."""
    if not settings.trial_clock:
        return RealClock()
    start, speed = trial_of(settings.trial_clock)
    return TrialClock(start, speed, _since(settings.folder / FILE, settings.trial_clock))


def _since(path: Path, trial: str) -> datetime:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _write_once(path, f"{trial} {RealClock().now().isoformat()}\n")
    except OSError as error:
        raise ConfigError(f"{path} can't be written: {error.strerror}; make the folder writable for this user") from error
    found, _, moment = path.read_text().strip().partition(" ")
    try:
        since = datetime.fromisoformat(moment)
    except ValueError as error:
        raise ConfigError(f"{path} is no trial's clock ({moment!r:.60}): remove it to begin the trial anew") from error
    if found != trial:
        raise ConfigError(f"this deployment plays a trial on the clock {found}, not {trial}: set that one, or another HORARIUM_VAR")
    return since


def _write_once(path: Path, text: str) -> None:
    """Let the file hold `text`, whole, unless somebody else was first."""
    import tempfile  # late: only a trial needs it

    handle, made = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(made)
    finally:
        Path(made).unlink()
