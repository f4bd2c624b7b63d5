"""Are a worker's figures checked, and does a retry wait longer each time?"""

from __future__ import annotations

import pytest

from system.errors import ConfigError
from workers.policy import Backoff, WorkerSettings


def test_attempts_end_a_margin_before_the_lease_is_over() -> None:
    assert WorkerSettings(lease_s=30.0, margin_s=3.0).safe_s == 27.0


def test_all_faults_of_the_settings_are_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        WorkerSettings(slots=0, poll_s=-1.0, end_grace_s=-1.0)
    assert len(caught.value.faults) == 3
    assert "slots is 0: it must be more than 0" in str(caught.value)


def test_a_beat_that_does_not_fit_into_the_lease_is_refused() -> None:
    with pytest.raises(ConfigError, match="two beats must fit into the lease"):
        WorkerSettings(beat_s=2.0, lease_s=6.0, margin_s=3.0)


def test_the_wait_doubles_up_to_the_cap() -> None:
    backoff = Backoff(0.1, 0.5)
    assert [backoff.failed(0.0) for _ in range(5)] == [0.1, 0.2, 0.4, 0.5, 0.5]


def test_nothing_is_waited_for_before_a_failure_and_after_a_success() -> None:
    backoff = Backoff(0.1, 0.5)
    assert backoff.wait_s(100.0) == 0.0
    backoff.failed(100.0)
    assert backoff.wait_s(100.04) == pytest.approx(0.06)
    backoff.worked()
    assert backoff.wait_s(100.04) == 0.0
