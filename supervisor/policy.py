"""What does the supervisor owe a process that it keeps alive? Pure: what is known of it and the time in, what to do out.

Times are seconds of a clock that never jumps. A process that dies young again and again is started less and less often, so that a
crash loop costs next to nothing and is seen as one (fault 23).
"""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 60.0
HEALTHY_AFTER_S = 60.0
LOOP_AFTER = 5
# A process that was killed from outside is not broken: what it left undone should not wait for it, and nobody should give it up for
# that. Only kills without end (such as by a kernel that is out of memory) are a loop, too.
LONGEST_WAIT_AFTER_KILL_S = 0.5
LOOP_AFTER_KILLS = 60
# A start costs some 0.1 s of CPU, so many broken processes together must not each go at their own pace: a box starts one of them at a
# time. It has some starts in hand, so that a few crashes are mended at once and three loops are soon seen as such; loops get none of those.
BROKEN_PACE_S = 20.0
STARTS_IN_HAND = 12


@dataclass(frozen=True, slots=True)
class Life:
    """What is remembered of one wanted process.

    `quick_deaths` counts deaths in a row that came before `HEALTHY_AFTER_S`, `quick_kills` those of them that were SIGKILL. `not_before`
    is when it may start again. `last_end` says how it ended last, empty before the first time.
    """

    quick_deaths: int = 0
    quick_kills: int = 0
    started_at: float | None = None
    not_before: float = 0.0
    last_end: str = ""

    @property
    def is_crash_loop(self) -> bool:
        """Whether it died young so often that a person should look."""
        return self.quick_deaths - self.quick_kills >= LOOP_AFTER or self.quick_kills >= LOOP_AFTER_KILLS

    @property
    def is_broken(self) -> bool:
        """Whether it died young lately, by itself or again and again: its starts count against the box's pace."""
        return self.quick_deaths > self.quick_kills or self.is_crash_loop


class Stopping(Enum):
    """What is next for a process that is to end."""

    ASK = "send TERM"
    WAIT = "give it time"
    KILL = "send KILL"


def started(life: Life, now: float) -> Life:
    """Return `life` after a start."""
    return replace(life, started_at=now)


def died(life: Life, exit_code: int | None, now: float) -> Life:
    """Return `life` after a death that nobody asked for. A negative `exit_code` is a signal, None unknown (not our child)."""
    was_healthy = life.started_at is not None and now - life.started_at >= HEALTHY_AFTER_S
    if was_healthy:
        return Life(not_before=now + wait_s(1, exit_code), last_end=described(exit_code))
    deaths, kills = life.quick_deaths + 1, life.quick_kills + (exit_code == -signal.SIGKILL)
    return Life(deaths, kills, None, now + wait_s(deaths, exit_code), described(exit_code))


def ended(now: float) -> Life:
    """Return the life of a process after an end that was asked for: it may start again at once."""
    return Life(not_before=now)


def wait_s(deaths: int, exit_code: int | None) -> float:
    """Return how long to wait before the next start after so many quick deaths (1 or more)."""
    wait = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(deaths - 1, 20))
    return min(wait, LONGEST_WAIT_AFTER_KILL_S) if exit_code == -signal.SIGKILL else wait


def until_start_s(life: Life, now: float) -> float:
    """Return the seconds until a process that does not run may start; 0 when it may now."""
    return max(0.0, life.not_before - now)


def due(down: Mapping[str, Life], spent_until: float, now: float) -> list[str]:
    """Return who of those that are `down` may start now: of the broken ones only the one that waits longest, loops after all others."""
    ready = [name for name, life in down.items() if until_due_s(life, spent_until, now) <= 0]
    broken = [name for name in ready if down[name].is_broken]
    chosen = min(broken, key=lambda name: (down[name].is_crash_loop, down[name].not_before), default="")
    return [name for name in ready if not down[name].is_broken or name == chosen]


def until_due_s(life: Life, spent_until: float, now: float) -> float:
    """Return the seconds for which `due` surely does not name a process; 0 where it may."""
    in_hand_s = 0.0 if life.is_crash_loop else STARTS_IN_HAND * BROKEN_PACE_S
    return max(until_start_s(life, now), spent_until - in_hand_s - now if life.is_broken else 0.0)


def spent(life: Life, spent_until: float, now: float) -> float:
    """Return until when a box's pace is spent once a process with this life was started; it was spent `spent_until` before."""
    return max(spent_until, now) + BROKEN_PACE_S if life.is_broken else spent_until


def stopping(asked_at: float | None, now: float, grace_s: float) -> Stopping:
    """Return what is next for a process that is to end and was asked at `asked_at` (None: not yet)."""
    if asked_at is None:
        return Stopping.ASK
    return Stopping.KILL if now - asked_at >= grace_s else Stopping.WAIT


def described(exit_code: int | None) -> str:
    """Return an exit in words, such as `killed by SIGKILL`."""
    if exit_code is None:
        return "ended"
    if exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return f"killed by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"killed by signal {-exit_code}"
