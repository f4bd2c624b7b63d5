"""What does a system that works measure of itself? What `/metrics` tells, as values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from mx.models.base import Model


class Tally(Model):
    """Counts of seconds: `counts[i]` lie in `(bounds[i - 1], bounds[i]]`, the last one beyond all bounds; `total_s` is their sum."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total_s: float


class Gauge(Model):
    """One process. `counts` is by state label over the periods that are due or under way, `phases` counts `held` and `failing`.

    `complete_until` is the end of the last period up to which all are finished, None where the first one is not. `lag_s` is the age of the
    oldest period that is due and unfinished, counted from its end; 0 where there is none.
    """

    process: str
    is_on: bool
    counts: Mapping[str, int]
    complete_until: datetime | None
    lag_s: float
    late: int
    phases: Mapping[str, int] = {}


class Measures(Model):
    """All figures. `turn_age_s` is None where nobody leads, `rounds` before its scheduler told of any.

    `ended` counts units of work by (process, state), `fires` by (process, how they ended), `failed_attempts` by process. `findings` are of
    the leader's last audit, None before it. `depths` and `dead_letters` are None where the broker did not answer.
    """

    leads: bool
    turns: int
    turn_age_s: float | None
    rounds: Tally | None
    gauges: tuple[Gauge, ...]
    durations: Mapping[str, Tally]
    waits: Mapping[str, Tally]
    ended: Mapping[tuple[str, str], int]
    failed_attempts: Mapping[str, int]
    fires: Mapping[tuple[str, str], int]
    leases_expired: int
    fenced_reports: int
    findings: Mapping[str, int] | None
    depths: Mapping[str, int] | None
    dead_letters: int | None
    sessions: Mapping[str, int]
    slots: int
    open_commands: int = 0
