"""Does a standby in a real process take over in time when the leader is killed, stopped or paused, and is nothing lost or doubled?"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.several_boxes import SeveralBoxes
from tests.support.waiting import wait_until

BOXES = ("box-1", "box-2", "box-3")


@pytest.fixture
def boxes(tmp_path: Path) -> Iterator[SeveralBoxes]:
    """Three boxes whose schedulers started at once, and a worker on a fourth."""
    made = SeveralBoxes(tmp_path)
    for box in BOXES:
        made.start("scheduler", box)
    made.start("worker.1", "box-4")
    made.all_hot(*BOXES)
    wait_until(lambda: len(made.ran()) > 2, within_s=30, what="work to be done")
    yield made
    made.end()


def test_the_next_period_is_requested_within_5_s_after_kill_9_of_the_leader(boxes: SeveralBoxes) -> None:
    leader = boxes.leader()
    boxes.send("scheduler", leader, signal.SIGKILL)
    assert boxes.until_led_by_another(leader, requests=True) < 5.0
    boxes.must_have_run_once()


def test_another_leads_within_1_s_after_a_clean_stop_however_often(boxes: SeveralBoxes) -> None:
    for _ in BOXES[1:]:
        leader = boxes.leader()
        process = boxes.started[f"scheduler {leader}"]
        process.terminate()
        assert boxes.until_led_by_another(leader) < 1.0
        assert process.wait(10) == 0
    boxes.must_have_run_once()


def test_fault_26_a_leader_that_is_paused_and_wakes_up_follows_and_nothing_is_doubled(boxes: SeveralBoxes) -> None:
    leader = boxes.leader()
    boxes.send("scheduler", leader, signal.SIGSTOP)
    assert boxes.until_led_by_another(leader, requests=True) < 5.0
    boxes.send("scheduler", leader, signal.SIGCONT)
    wait_until(lambda: any(s.box == leader and s.facts.get("role") == "follows" for s in boxes.store.sessions()), what="it to follow")
    assert boxes.leader() != leader
    boxes.must_have_run_once()
