"""Does the slots' host tell of an end although something that a slot left does not die? With pretended processes."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from system.clock import ManualClock
from workers import forkserver
from workers.forkserver import Exit, ForkServer
from workers.slot import Place

UNDYING = 77


class Host:
    """A host that has inherited `left`, none of which dies; `killed` are those that it killed, as often as it did."""

    def __init__(self, patched: pytest.MonkeyPatch) -> None:
        self.clock, self.left, self.killed, self.refused = ManualClock(), [UNDYING], list[int](), list[int]()
        patched.setattr(forkserver, "children", lambda: list(self.left))
        patched.setattr(forkserver, "kill", self._kill)
        patched.setattr(forkserver, "_dead", list)
        self.near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.server = ForkServer(far, Place("user", "root", 1000, 5.0), self.clock.monotonic)

    def _kill(self, pids: list[int]) -> list[int]:
        self.killed += pids
        return [pid for pid in pids if pid in self.refused]

    def slot_ends(self, number: int = 1) -> None:
        self.server._gone.append(Exit(number, "exit code 0", ""))
        self.server._reap()

    def told(self) -> list[int]:
        """Return the numbers of the slots of whose end it told since the last call."""
        found = []
        while True:
            try:
                found.append(json.loads(self.near.recv(1000, socket.MSG_DONTWAIT))[1][0])
            except BlockingIOError:
                return found

    def close(self) -> None:
        self.near.close()
        self.server._control.close()
        self.server._selector.close()
        self.server._alarm.close()


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    made = Host(monkeypatch)
    yield made
    made.close()


def test_what_was_left_has_some_seconds_to_die_before_an_end_is_told(host: Host) -> None:
    host.slot_ends()
    assert (host.told(), host.killed, host.server._wait_s()) == ([], [UNDYING], 5.0)


def test_what_does_not_die_holds_back_no_end_for_longer(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    host.slot_ends()
    host.clock.sleep(5.0)
    assert host.server._wait_s() == 0.0
    host.server._reap()
    assert (host.told(), host.server._wait_s()) == ([1], None)
    host.slot_ends(2)
    assert host.told() == [2]
    assert capsys.readouterr().err == f"left by a slot, killed, but does not die: pids [{UNDYING}]\n"


def test_another_that_is_left_later_has_its_own_seconds(host: Host) -> None:
    host.slot_ends()
    host.clock.sleep(4.0)
    host.left.append(78)
    host.server._reap()
    host.clock.sleep(1.0)
    host.server._reap()
    assert (host.told(), host.server._wait_s()) == ([], 4.0)
    host.left.remove(78)
    host.server._reap()
    assert host.told() == [1]


def test_what_may_not_be_killed_holds_back_nothing(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    host.refused = [UNDYING]
    host.slot_ends()
    assert host.told() == [1]
    assert "run as another user" in capsys.readouterr().err
