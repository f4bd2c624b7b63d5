"""How does a test kill what runs of the demo, at moments that a seed decides? And start `up` again by hand, as a user would."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from system import processes
from system.clock import RealClock
from system.processes import Identity
from tests.support.flights_run import FlightsRun
from tests.support.waiting import wait_until

_CLOCK = RealClock()
_PAIR, _ALL = 0.15, 0.04
_IN_VAIN = 8  # kills in a row without a job's end between them
_BREATH_S = 60.0


@dataclass
class Toll:
    """What a run under kills has cost. `starts` counts how often `up` was started by hand."""

    kills: Counter[str] = field(default_factory=Counter)
    starts: int = 0
    seconds: float = 0.0


class Killer:
    """Kills one of a run's processes after another with SIGKILL; `seed` decides whom and when.

    On a slow machine everything might die before it has come up, for ever. So after some kills in vain it waits for one job to end,
    which must happen soon. After `at_most` kills the run may end in peace.
    """

    def __init__(self, run: FlightsRun, seed: int, *, pause_s: tuple[float, float] = (0.3, 1.0), at_most: int = 10_000) -> None:
        self._run, self._random, self._pause_s, self._at_most = run, Random(seed), pause_s, at_most
        self.toll = Toll()
        self._in_vain = self._ended = 0
        self._up: subprocess.Popen[bytes] | None = None
        self._victims: dict[str, tuple[float, Callable[[], list[Identity]]]] = {
            "scheduler": (3.0, lambda: self._members("scheduler")),
            "worker": (3.0, lambda: self._members("worker.1", "worker.2")),
            "forkserver": (2.0, run.hosts),
            "slot": (4.0, run.slots),
            "supervisor": (1.5, self._supervisor),
        }

    def run_to_the_end(self, *, within_s: float) -> Toll:
        """Go on until an `up` has ended by itself with exit code 0; fails the test where one ends otherwise, or none in time."""
        begun_s = _CLOCK.monotonic()
        while _CLOCK.monotonic() - begun_s < within_s:
            if self._up is None:
                self._up = self._run.start()
                self.toll.starts += 1
            self._pause()
            self._between()
            code = self._up.poll()
            if code == 0:
                self.toll.seconds = _CLOCK.monotonic() - begun_s
                return self.toll
            assert code in (None, -9), f"up ended with {code} after {self.toll}:\n{self._run.said()}"
            # Without a supervisor the others are killed for a while, too.
            is_over = self.toll.kills.total() >= self._at_most
            if code == -9 and (is_over or self._random.random() < 0.6):
                self._up = None
            elif is_over:
                continue
            elif self._in_vain < _IN_VAIN or code == -9:
                self._blow()
            else:
                self._breathe()
        raise AssertionError(f"not done within {within_s} s: {self.toll}\n{self._run.said()}")

    def _between(self) -> None:
        """Do what is done beside the kills: nothing here."""

    def _pause(self) -> None:
        assert self._up is not None
        pause_s = self._random.uniform(*self._pause_s)
        if self._up.poll() is None:
            try:
                self._up.wait(pause_s)
            except subprocess.TimeoutExpired:
                return
        else:
            _CLOCK.sleep(pause_s)

    def _breathe(self) -> None:
        up, before = self._up, self._run.count_ends()
        assert up is not None
        wait_until(lambda: self._run.count_ends() > before or up.poll() is not None, within_s=_BREATH_S, what=f"work to go on: {self.toll}")
        self._in_vain = 0

    def _blow(self) -> None:
        ended = self._run.count_ends()
        self._in_vain, self._ended = (self._in_vain + 1 if ended == self._ended else 0), ended
        kinds, weights = list(self._victims), [weight for weight, _ in self._victims.values()]
        dice = self._random.random()
        count = len(kinds) if dice < _ALL else 2 if dice < _ALL + _PAIR else 1
        for kind in kinds if count == len(kinds) else self._random.choices(kinds, weights, k=count):
            found = sorted(self._victims[kind][1](), key=lambda identity: identity.pid)
            if found and processes.end(self._random.choice(found)):
                self.toll.kills[kind] += 1

    def _members(self, *names: str) -> list[Identity]:
        return [identity for name in names if (identity := self._run.member(name))]

    def _supervisor(self) -> list[Identity]:
        found = processes.identity_of(self._up.pid) if self._up else None
        return [found] if found else []
