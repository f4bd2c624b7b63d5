"""Does another scheduler lead soon after the leader is killed, cut off, stopped or paused, with nothing lost and nothing doubled?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from scheduler.setbacks import MOST_FAILED
from system.errors import StoreError
from tests.support.simulation import played
from tests.support.simulation_actors import Scheduler
from tests.support.simulation_plan import LEASE_S, SCHEDULER, Plan, plan_of
from tests.support.simulation_world import World

SILENT_S = SCHEDULER.silence_s + 2 * SCHEDULER.follow_s + 0.1
CLOSED_S = SCHEDULER.follow_s + 0.1
FAILED_S = SCHEDULER.sweep_s + sum(0.1 * 2**n for n in range(MOST_FAILED - 1)) + CLOSED_S  # until it acts at all, and the pauses
_FROM_S, _EVERY_S, _TIMES = 2.0, 5.5, 4


class Blows:
    """Strikes whoever leads, again and again; `waited_s` tells how long it took each time until another session made a turn."""

    def __init__(self, strike: Callable[[Scheduler], None]) -> None:
        self._strike = strike
        self.waited_s: list[float] = []

    def plan(self, world: World) -> None:
        """Draw the moments."""
        luck = Random(f"blows {world.plan.seed}")
        for number in range(_TIMES):
            world.after(_FROM_S + number * _EVERY_S + luck.uniform(0.0, 1.0), lambda: self._blow(world))

    def _blow(self, world: World) -> None:
        for process in world.processes:
            if isinstance(process, Scheduler) and process.leads:
                self._wait(world, world.store.every_turn()[-1].session, world.now_s)
                self._strike(process)
                return

    def _wait(self, world: World, leader: str, since_s: float) -> None:
        if world.store.every_turn()[-1].session != leader:
            self.waited_s.append(world.now_s - since_s)
        else:
            world.after(0.01, lambda: self._wait(world, leader, since_s))


def calm(seed: int) -> Plan:
    """Return history number `seed` with four schedulers, and without any misfortune of its own."""
    return replace(plan_of(seed), kinds=frozenset(), schedulers=4, storm_s=25.0)


def kill(process: Scheduler) -> None:
    """Have its box vanish: nobody is there to close its session."""
    process.misses_supervisor = lambda: True  # type: ignore[method-assign]
    process.die()


def stop(process: Scheduler) -> None:
    process.stop()


def cut_off(process: Scheduler) -> None:
    """Have it reach nothing for longer than its lease."""
    process.away_until_s = process.world.now_s + 1.5 * LEASE_S


def break_down(process: Scheduler) -> None:
    """Let each of its turns fail from now on, while it can read, beat and take over as before."""
    assert process.engine is not None

    def fail(board: object) -> bool:
        raise StoreError("this engine is ill")

    process.engine._obey = fail  # type: ignore[method-assign]


def pause(process: Scheduler) -> None:
    process.frozen_until_s = process.world.now_s + 4.0


@pytest.mark.parametrize(
    ("strike", "within_s"),
    [(kill, SILENT_S), (cut_off, SILENT_S), (pause, SILENT_S), (stop, CLOSED_S), (break_down, FAILED_S)],
    ids=["killed", "cut off", "paused", "stopped", "broken down"],
)
def test_a_standby_takes_over(strike: Callable[[Scheduler], None], within_s: float) -> None:
    waited_s = []
    for seed in range(12):
        blows = Blows(strike)
        world = played(calm(seed), also=blows.plan)
        assert len(blows.waited_s) == _TIMES, world.plan
        waited_s += blows.waited_s
    assert max(waited_s) <= within_s
