"""Are real processes kept alive, adopted, ended and cleaned up after, and is never a stranger signalled?

The supervisor runs in a process of its own, as in life: it is a subreaper, and it is killed like everyone else.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.local_crew import LocalCrew, folder_id
from system import processes
from system.processes import Identity
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]

# What is kept alive: says who it is, then does as its name says.
CHILD = """
import os, signal, subprocess, sys, time
from pathlib import Path
name, folder = sys.argv[1], Path(sys.argv[2])
(folder / f"{name}.started").open("a").write(f"{os.getpid()}\\n")
if name == "crashing":
    sys.exit(3)
if name == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if name == "parent":
    plain = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    bare = subprocess.Popen(["sleep", "1000"], start_new_session=True, env={})
    (folder / "left.tmp").write_text(f"{plain.pid} {bare.pid}")
    (folder / "left.tmp").rename(folder / "left")
signal.pause()
"""

SUPERVISOR = """
import signal, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from db.memory import MemoryStore
from mq.memory import MemoryBroker
from supervisor.keeper import Keeper
from supervisor.local_crew import LocalCrew
from supervisor.service import SupervisorService
from system.clock import RealClock
from system.context import REPORT_QUEUE
var, child, fingerprint, *names = Path(sys.argv[1]), sys.argv[2], sys.argv[3], *sys.argv[4:]
store, broker = MemoryStore(), MemoryBroker()
store.prepare(); broker.prepare(); broker.declare([REPORT_QUEUE])
crew = LocalCrew(var, lambda name: [sys.executable, child, name, str(var)], {{"PATH": "/usr/bin:/bin"}}, fingerprint=fingerprint)
service = SupervisorService(Keeper(names, crew, store, broker, "box", grace_s=0.5), crew, RealClock())
signal.signal(signal.SIGTERM, lambda *_: service.stop())
service.run()
"""


class Box:
    """A folder with a supervisor over it."""

    def __init__(self, var: Path) -> None:
        self.var = var
        (var / "child.py").write_text(CHILD)
        (var / "supervisor.py").write_text(SUPERVISOR.format(root=str(ROOT)))
        self.supervisors: list[subprocess.Popen[bytes]] = []

    def up(self, *names: str, fingerprint: str = "f") -> subprocess.Popen[bytes]:
        argv = [sys.executable, str(self.var / "supervisor.py"), str(self.var), str(self.var / "child.py"), fingerprint, *names]
        self.supervisors.append(subprocess.Popen(argv))
        return self.supervisors[-1]

    def starts(self, name: str) -> list[int]:
        path = self.var / f"{name}.started"
        return [int(line) for line in path.read_text().splitlines()] if path.exists() else []

    def await_starts(self, name: str, count: int) -> int:
        wait_until(lambda: len(self.starts(name)) >= count, what=f"{count} starts of {name}")
        return self.starts(name)[count - 1]

    def await_pid_file(self, name: str, pid: int) -> None:
        def is_named() -> bool:
            said = processes.read_pid_file(self.var / "run" / f"{name}.pid")
            return said is not None and said.pid == pid

        wait_until(is_named, what=f"pid file of {name}")


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A box whose processes all end with the test."""
    made = Box(tmp_path)
    yield made
    for supervisor in made.supervisors:
        supervisor.terminate()  # which ends what its members have started, too
    for supervisor in made.supervisors:
        try:
            supervisor.wait(10)
        finally:
            supervisor.kill()
            supervisor.wait()
    for pid_file in (tmp_path / "run").glob("*.pid"):
        said = processes.read_pid_file(pid_file)
        if said:
            processes.end(said.identity)


def is_gone(pid: int) -> bool:
    return processes.identity_of(pid) is None


def test_a_killed_process_starts_again_at_once(box: Box) -> None:
    box.up("worker.1")
    first = box.await_starts("worker.1", 1)
    os.kill(first, signal.SIGKILL)
    took_s = wait_until(lambda: len(box.starts("worker.1")) == 2)
    assert took_s < 1.5


def test_what_a_dead_process_left_is_ended_marked_or_not(box: Box) -> None:
    box.up("parent")
    parent = box.await_starts("parent", 1)
    wait_until((box.var / "left").exists)
    left = [int(pid) for pid in (box.var / "left").read_text().split()]
    os.kill(parent, signal.SIGKILL)
    wait_until(lambda: all(is_gone(pid) for pid in left), within_s=2)
    assert box.await_starts("parent", 2) != parent


def test_a_leftover_that_does_not_die_is_told_once_and_holds_up_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(processes, "become_subreaper", lambda: True)
    crew = LocalCrew(tmp_path, lambda _: ["true"], {})
    monkeypatch.setattr(processes, "end", lambda _: False)
    with subprocess.Popen(["sleep", "1000"], env={processes.MARK_VARIABLE: f"{folder_id(tmp_path)}.worker.1.x"}) as left:
        wait_until(lambda: processes.mark_of(left.pid) != "")
        looks = [crew.clear() for _ in range(60)]
        left.kill()
    crew.close()
    assert (looks[0], looks[-1], looks.index(True) == looks.count(False)) == (False, True, True)
    assert [r.getMessage() for r in caplog.records] == [
        f"ended what a dead process left: pid {left.pid}", f"what a dead process left can't be ended: pid {left.pid}",
    ]  # fmt: skip


def test_what_a_member_prints_while_it_lives_stays_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "become_subreaper", lambda: True)
    crew = LocalCrew(tmp_path, lambda _: ["/bin/sh", "-c", "while :; do echo 0123456789; done"], {}, log_bytes=10_000)
    member = crew.start("chatty")
    out, older = tmp_path / "log" / "chatty.out", tmp_path / "log" / "chatty.out.1"

    def is_cut() -> bool:
        crew.wait(0)
        return older.exists()

    wait_until(is_cut)
    wait_until(lambda: out.stat().st_size > 100)
    crew.send(member, signal.SIGKILL)
    wait_until(lambda: [death.member for death in crew.deaths()] == [member])
    crew.close()
    assert 10_000 <= older.stat().st_size <= 20_000
    assert (set(out.read_bytes()) | set(older.read_bytes())) == set(b"0123456789\n")


def test_a_clean_stop_ends_everything_and_leaves_no_pid_file(box: Box) -> None:
    supervisor = box.up("scheduler", "worker.1", "parent")
    pids = [box.await_starts(name, 1) for name in ("scheduler", "worker.1", "parent")]
    wait_until((box.var / "left").exists)
    supervisor.terminate()
    assert supervisor.wait(10) == 0
    pids += [int(pid) for pid in (box.var / "left").read_text().split()]
    assert all(is_gone(pid) for pid in pids)
    assert list((box.var / "run").iterdir()) == []


def test_who_does_not_listen_is_killed_after_the_grace_time(box: Box) -> None:
    supervisor = box.up("deaf")
    pid = box.await_starts("deaf", 1)
    supervisor.terminate()
    assert supervisor.wait(10) == 0
    assert is_gone(pid)


def test_survivors_of_a_killed_supervisor_are_adopted_and_kept(box: Box) -> None:
    first = box.up("worker.1")
    pid = box.await_starts("worker.1", 1)
    box.await_pid_file("worker.1", pid)
    first.kill()
    first.wait()
    second = box.up("worker.1", "worker.2")
    box.await_starts("worker.2", 1)
    assert box.starts("worker.1") == [pid]
    os.kill(pid, signal.SIGKILL)
    box.await_starts("worker.1", 2)
    second.terminate()
    assert second.wait(10) == 0


def test_a_survivor_with_other_settings_is_replaced(box: Box) -> None:
    first = box.up("worker.1", fingerprint="slots=2")
    pid = box.await_starts("worker.1", 1)
    box.await_pid_file("worker.1", pid)
    first.kill()
    first.wait()
    box.up("worker.1", fingerprint="slots=3")
    box.await_starts("worker.1", 2)
    assert is_gone(pid)


def test_a_process_whose_supervisor_died_before_it_was_written_down_is_ended(box: Box) -> None:
    first = box.up("worker.1")
    pid = box.await_starts("worker.1", 1)
    box.await_pid_file("worker.1", pid)
    first.kill()
    first.wait()
    (box.var / "run" / "worker.1.pid").unlink()
    box.up("worker.1")
    wait_until(lambda: is_gone(pid))
    assert box.await_starts("worker.1", 2) != pid


def test_fault_22_a_stale_pid_file_never_ends_a_stranger(box: Box) -> None:
    with subprocess.Popen(["sleep", "1000"]) as stranger:
        who = processes.identity_of(stranger.pid)
        assert who is not None
        (box.var / "run").mkdir()
        processes.write_pid_file(box.var / "run" / "worker.1.pid", Identity(who.pid, who.created_s - 60), mark="m", fingerprint="f")
        processes.write_pid_file(box.var / "run" / "worker.9.pid", who, mark="a mark that the stranger does not have", fingerprint="f")
        supervisor = box.up("worker.1")
        box.await_starts("worker.1", 1)
        supervisor.terminate()
        assert supervisor.wait(10) == 0
        assert stranger.poll() is None
        stranger.kill()


def test_fault_23_a_process_that_crashes_at_its_start_is_started_less_and_less_often(box: Box) -> None:
    box.up("crashing", "worker.1")
    box.await_starts("crashing", 3)
    crashed = len(box.starts("crashing"))
    pid = box.await_starts("worker.1", 1)
    os.kill(pid, signal.SIGKILL)
    box.await_starts("worker.1", 2)
    # 0.2 + 0.4 + 0.8 + 1.6 s of waiting lie between the first and the fifth start.
    assert crashed <= len(box.starts("crashing")) <= 5


def test_a_pid_file_of_before_the_machines_start_names_nobody(tmp_path: Path) -> None:
    path = tmp_path / "worker.1.pid"
    processes.write_pid_file(path, processes.own_identity(), mark="m")
    path.write_text(json.dumps({**json.loads(path.read_text()), "boot": "another start"}))
    assert processes.read_pid_file(path) is None


def test_a_signal_is_sent_to_the_very_process_or_to_nobody() -> None:
    with subprocess.Popen(["sleep", "1000"]) as child:
        who = processes.identity_of(child.pid)
        assert who is not None
        assert not processes.end(Identity(who.pid, who.created_s + 5))
        assert child.poll() is None
        assert processes.end(who)
        assert child.wait(5) == -signal.SIGKILL
        assert not processes.end(who)


def test_a_process_that_ended_and_was_not_reaped_is_not_alive() -> None:
    with subprocess.Popen(["sleep", "1000"]) as child:
        who = processes.identity_of(child.pid)
        assert who is not None
        assert processes.is_alive(who)
        child.kill()
        wait_until(lambda: not processes.is_alive(who))
        assert processes.identity_of(child.pid, or_ended=True) == who
