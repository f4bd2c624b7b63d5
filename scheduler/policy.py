"""Which figures does the scheduler go by?"""

from __future__ import annotations

from dataclasses import dataclass

from system.lanes import HISTORY_S


@dataclass(frozen=True, slots=True)
class SchedulerSettings:
    """Figures of the engine; durations in seconds.

    `lease_s`: how long the same beat must be read before a session is lost. `beat_s`: how often a leader beats that others stand by
    for, `calm_beat_s`: how often every other scheduler does, since nobody waits for its beats.
    `silence_s`: after how long without a sign of life a standby takes the leader's place; several times `beat_s`.
    `sweep_s`: how often the sweep looks. `follow_s`: how often a standby reads the turns and looks for the leader.
    `window_per_slot`, `window_least`: how many units of work of one queue may be REQUESTED.
    `max_losses`: how often a claim may be lost before an operator is asked. `probe_timeout_s`: how long a source of rows may take to
    answer; `probe_fresh_s`: for how long runs are requested by what it said.
    `history_s`: how long after it became due a period is history (see `system.lanes`). `looks`: how many candidates one turn may
    decide, `reports`: of how many units of work it takes reports. `timetable_start` is an hourly id.
    """

    timetable_start: str = "2020010100"
    lease_s: float = 30.0
    beat_s: float = 0.75
    calm_beat_s: float = 1.75
    silence_s: float = 3.5
    sweep_s: float = 2.0
    follow_s: float = 0.25
    window_per_slot: int = 4
    window_least: int = 100
    max_losses: int = 5
    history_s: float = HISTORY_S
    looks: int = 2_000
    reports: int = 1_000
    second_looks: int = 4
    probe_timeout_s: float = 30.0
    probe_fresh_s: float = 30.0

    @property
    def stalled_after_s(self) -> float:
        """How old a leader's last good turn is, as its beats tell, when its turns surely fail: an idle one does a turn with each sweep."""
        return max(10.0, 2 * (self.sweep_s + self.calm_beat_s))
