"""Which tasks has a slot started, and which can still be taken back? On a real line, with the test as the slot."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.slot_bench import task
from workers.channel import Attempt, Channel, write_frame


@pytest.fixture
def channel(tmp_path: Path) -> Iterator[Channel]:
    channel = Channel(1, tmp_path / "scratch", is_command=False)
    yield channel
    channel.close()


def sent(channel: Channel, count: int) -> list[Attempt]:
    """Return attempts that went down the line."""
    attempts = [Attempt(task("noop"), number, "", 0.0, is_known=True) for number in range(count)]
    for attempt in attempts:
        write_frame(attempt, "unused")
        assert channel.send(attempt, 1.0)
    return attempts


def take(channel: Channel) -> bytes:
    """Read the next frame, as the slot does."""
    return channel.far.recv(1 << 17)


def test_what_the_slot_has_not_read_is_taken_back_and_it_never_sees_it(channel: Channel) -> None:
    first, *others = sent(channel, 3)
    assert json.loads(take(channel))["uow_id"] == first.task.uow_id
    assert channel.recall() == others
    assert list(channel.sent) == [first]
    assert channel.recall() == []


def test_a_task_that_the_slot_takes_during_the_recall_counts_as_started(channel: Channel) -> None:
    first, second, third = sent(channel, 3)
    frames = [take(channel) for _ in range(3)]
    channel._near.send(frames[1])  # as if the slot had taken the first and, between two reads of ours, the third
    assert channel.recall() == [second]
    assert list(channel.sent) == [first, third]


def test_only_the_first_task_of_an_idle_slot_counts_as_started(channel: Channel) -> None:
    assert [attempt.started_s for attempt in sent(channel, 3)] == [1.0, 0.0, 0.0]


def test_a_line_that_is_full_says_so(channel: Channel) -> None:
    attempt = Attempt(task("say", arguments={"text": "x" * 100_000}), 1, "", 0.0, is_known=True)
    write_frame(attempt, "unused")
    handed = [channel.send(attempt, 1.0) for _ in range(20)]
    assert handed[0] is True
    assert handed[-1] is False
