"""Which figures does a worker go by, and when does it try again what failed?"""

from __future__ import annotations

from dataclasses import dataclass

from system.errors import ConfigError

_DOUBLINGS = 16  # beyond any cap; keeps the power small


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """Figures of a worker; durations in seconds. Raises ConfigError, with all faults, where they can't go together.

    `slots`: how many attempts run at once. `beat_s`: how often the worker beats. `lease_s`: how long an observer reads the same beat
    before it calls the session lost. `margin_s`: how much earlier the slots end themselves. `poll_s`: how often an idle worker looks
    without being woken. `uows_per_slot`: after how many units of work a slot is replaced. `end_grace_s`: from being asked to being
    killed. `stop_grace_s`: how long a stopping worker lets attempts finish. `output_limit_bytes`: what is kept of one attempt's output.
    `backfill_share`: the part of the slots that backfill may hold where live work may come.
    `retry_first_s`, `retry_cap_s`: the wait after the first failed call to store or broker, and the longest one.
    """

    slots: int = 2
    beat_s: float = 2.0
    lease_s: float = 30.0
    margin_s: float = 3.0
    poll_s: float = 2.0
    uows_per_slot: int = 1_000
    end_grace_s: float = 5.0
    stop_grace_s: float = 10.0
    output_limit_bytes: int = 1_048_576
    backfill_share: float = 0.75
    retry_first_s: float = 0.1
    retry_cap_s: float = 5.0

    def __post_init__(self) -> None:
        faults = tuple(self._faults())
        if faults:
            raise ConfigError("the worker's settings can't be used: " + "; ".join(faults), faults)

    @property
    def safe_s(self) -> float:
        """How long attempts may run on after the last good beat was sent."""
        return self.lease_s - self.margin_s

    @property
    def kept_for_live(self) -> int:
        """How many slots take no backfill where live work may come: one at least, unless backfill may have all, and never all of them."""
        if self.backfill_share >= 1:
            return 0
        return min(self.slots - 1, max(1, self.slots - int(self.slots * self.backfill_share)))

    def _faults(self) -> list[str]:
        positive = ("slots", "beat_s", "lease_s", "margin_s", "poll_s", "uows_per_slot", "retry_first_s", "retry_cap_s")
        faults = [f"{name} is {getattr(self, name)}: it must be more than 0" for name in positive if getattr(self, name) <= 0]
        grace = ("end_grace_s", "stop_grace_s", "output_limit_bytes")
        faults += [f"{name} is {getattr(self, name)}: it must not be negative" for name in grace if getattr(self, name) < 0]
        if not 0 <= self.backfill_share <= 1:
            faults.append(f"backfill_share is {self.backfill_share}: it must lie between 0 and 1")
        if self.beat_s * 2 > self.lease_s - self.margin_s:
            faults.append(
                f"beat_s is {self.beat_s}, lease_s {self.lease_s}, margin_s {self.margin_s}: "
                "two beats must fit into the lease without its margin"
            )
        return faults


class Backoff:
    """When may a call that failed be tried again? Doubles from `first_s` to `cap_s`; moments are the clock's `monotonic`."""

    def __init__(self, first_s: float, cap_s: float) -> None:
        self._first_s = first_s
        self._cap_s = cap_s
        self._failures = 0
        self._until_s = 0.0

    def failed(self, monotonic_s: float) -> float:
        """Note a failure; returns how long to wait."""
        wait_s = min(self._first_s * 2.0 ** min(self._failures, _DOUBLINGS), self._cap_s)
        self._failures += 1
        self._until_s = monotonic_s + wait_s
        return wait_s

    def worked(self) -> None:
        """Note a success: the next failure waits short again."""
        self._failures = 0
        self._until_s = 0.0

    def wait_s(self, monotonic_s: float) -> float:
        """Return for how many seconds nothing should be tried; 0 when it may be tried now."""
        if not self._failures:
            return 0.0
        return max(0.0, self._until_s - monotonic_s)
