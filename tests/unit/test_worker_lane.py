"""What becomes of a task that is to end before its slot has read it? A lane over a host that starts nobody."""

from __future__ import annotations

import errno
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from system.clock import ManualClock
from tests.support.slot_bench import task
from workers.channel import Attempt, Channel, write_frame
from workers.hosting import Hosting
from workers.lane import Lane, Limits, Workshop
from workers.slot import FRAME_BYTES
from workers.slots import Ended, Ending, Task
from workers.transcript import Transcript
from workers.vault import Masks, Vault

PLACE = Limits(uows_per_slot=100, output_limit_bytes=1000, end_grace_s=5.0, moment_s=0.05)


class Still(Hosting):
    """A host that starts nobody, and remembers whom it was to ask and to kill."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.killed: list[int] = []

    def start(self, number: int, kind: str, scratch: Path, line: socket.socket) -> None:
        """Leave the line unread."""

    def ask(self, number: int) -> None:
        self.asked.append(number)

    def kill(self, number: int) -> None:
        self.killed.append(number)


class Site:
    """One lane, and the lines to whom its host never started."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.host = ManualClock(), Still()
        self.clock.sleep(1.0)
        self.folder, self.channels = folder, list[Channel]()
        self.shop = Workshop(
            self.host, self.clock, PLACE, f"{folder}/scratch", lambda _, channel: self.channels.append(channel), self.channels.remove,
            Masks(Vault()),
        )  # fmt: skip
        self.lane = Lane(self.shop)

    def start(self, one: Task) -> None:
        attempt = Attempt(one, next(self.shop.numbers), f"{self.folder}/printed", 0.05, is_known=False)
        write_frame(attempt, "nowhere")
        self.lane.add(attempt)
        self.lane.feed()

    def answer(self, ending: Ending) -> None:
        """Be the guardian: read the one task, and say how it ended, as asked."""
        (channel,) = self.channels
        number = json.loads(channel.far.recv(FRAME_BYTES, socket.MSG_DONTWAIT))["number"]
        channel.far.send(json.dumps([number, ending.value, None, "said", True, False, "", 0.0, 0.0]).encode())
        self.lane.hear(channel)
        self.lane.exited(channel, "exit code 0", "")

    def said(self) -> list[tuple[Ending, str]]:
        return [(ended.ending, ended.reason) for ended in self.shop.ended]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    for channel in made.channels:
        channel.close()


def command(timeout_s: float = 0.0) -> Task:
    return task(argv=("true",), timeout_s=timeout_s)


def function(timeout_s: float = 0.0) -> Task:
    return task("noop", timeout_s=timeout_s)


def test_a_function_that_was_not_read_ends_at_once_and_is_handed_to_nobody(site: Site) -> None:
    one = function()
    site.start(one)
    assert site.lane.end(one.uow_id, one.fence, "canceled by ann")
    assert site.said() == [(Ending.ENDED, "canceled by ann")]
    assert (site.channels[0].recall(), site.host.asked, site.lane.is_idle) == ([], [], True)


def test_a_command_that_was_not_read_stays_with_its_guardian_which_is_asked(site: Site) -> None:
    one = command()
    site.start(one)
    assert site.lane.end(one.uow_id, one.fence, "canceled by ann")
    assert site.host.asked == [site.channels[0].number]
    site.answer(Ending.NOT_STARTED)
    assert (site.said(), site.lane.is_idle) == ([(Ending.NOT_STARTED, "said")], True)


def test_a_guardian_that_never_read_is_killed_and_its_task_has_ended(site: Site) -> None:
    one = command()
    site.start(one)
    site.lane.end(one.uow_id, one.fence, "canceled by ann")
    site.clock.sleep(PLACE.end_grace_s + 2.0)
    site.lane.tick(site.clock.monotonic())
    assert site.host.killed == [site.channels[0].number]
    site.lane.exited(site.channels[0], "killed by SIGKILL", "")
    assert (site.said(), site.lane.is_idle) == ([(Ending.ENDED, "canceled by ann")], True)


def test_a_function_that_no_slot_began_within_its_limit_is_given_back(site: Site) -> None:
    site.start(function(timeout_s=3.0))
    site.clock.sleep(3.0)
    site.lane.tick(site.clock.monotonic())
    assert site.said() == [(Ending.NOT_STARTED, "its slot did not begin with it in time")]
    assert (site.channels[0].recall(), site.lane.is_idle) == ([], True)


def test_a_command_that_no_guardian_began_within_its_limit_is_asked_of_it(site: Site) -> None:
    site.start(command(timeout_s=3.0))
    site.clock.sleep(3.0)
    site.lane.tick(site.clock.monotonic())
    assert site.host.asked == [site.channels[0].number]
    site.answer(Ending.NOT_STARTED)
    assert [ending for ending, _ in site.said()] == [Ending.NOT_STARTED]


def test_a_command_whose_guardian_was_refused_is_given_back_and_not_tried_again_and_again(site: Site) -> None:
    site.start(command())
    site.lane.exited(site.channels[0], "not started: the worker's time is over", "refused")
    assert site.said() == [(Ending.NOT_STARTED, "its guardian ended before: not started: the worker's time is over")]
    assert (site.channels, site.lane.is_idle) == ([], True)


def test_an_unread_command_keeps_its_place_while_those_behind_it_are_taken_out(site: Site) -> None:
    first, behind = command(), function()
    site.start(first)
    site.start(behind)
    site.clock.sleep(PLACE.relief_s)
    assert [one.task for one in site.lane.overdue(site.clock.monotonic())] == [behind]
    site.answer(Ending.DONE)
    assert site.shop.ended == [Ended(first.uow_id, 1, Ending.ENDED, None, "asked to end by a SIGTERM from outside")]


def test_all_at_once_what_was_not_read_is_given_back(site: Site) -> None:
    site.start(command())
    site.lane.judge_all("the session is gone")
    assert site.said() == [(Ending.NOT_STARTED, "the session is gone")]
    site.lane.exited(site.channels[0], "killed by SIGKILL", "ended")
    assert (len(site.shop.ended), site.lane.is_idle) == (1, True)


def test_a_disk_that_refuses_a_look_at_output_holds_up_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    one = command()
    site.start(one)
    (site.folder / "printed").write_text("first words")
    with monkeypatch.context() as patched:
        patched.setattr(Transcript, "look", Mock(side_effect=OSError(errno.ENOSPC, "no space")))
        site.lane.look()
    assert site.shop.pieces == []
    site.lane.look()
    assert [piece.text for piece in site.shop.pieces] == ["first words"]
    site.answer(Ending.DONE)


@pytest.mark.parametrize("error", [OSError(errno.EIO, "a bad disk"), LookupError("a bug")])
def test_an_end_is_told_whatever_becomes_of_the_output(site: Site, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    site.start(command())
    (site.folder / "printed").write_text("first words")
    site.lane.look()
    monkeypatch.setattr(Transcript, "finish", Mock(side_effect=error))
    site.answer(Ending.NOT_STARTED)
    assert (site.said(), site.lane.is_idle) == ([(Ending.NOT_STARTED, "said")], True)


def test_there_is_more_room_for_what_may_wait_longer(site: Site) -> None:
    for _ in range(2):
        site.shop.pace.took("flights_hourly", 0.02)
    assert [site.lane.room(site.clock.monotonic(), moments) for moments in (1, 2)] == [2, 5]
