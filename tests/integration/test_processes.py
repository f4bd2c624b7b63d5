"""Do the kernel's table and psutil, which is asked where there is none, say the same of processes?"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from system import kernel_table, processes
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("_table")

_PARENT = "import subprocess, sys; subprocess.Popen(['sleep', '60']); print(flush=True); sys.stdin.read()"


@pytest.fixture(params=["the kernel's table", "psutil"])
def _table(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_table, "is_there", lambda: request.param != "psutil")


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[bytes]]:
    """A process with a mark, and with a child that inherits it."""
    environ = {**os.environ, processes.MARK_VARIABLE: f"test-{os.getpid()}"}
    process = subprocess.Popen([sys.executable, "-c", _PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ)
    assert process.stdout
    process.stdout.readline()
    yield process
    for identity in processes.marked(f"test-{os.getpid()}"):
        processes.end(identity)
    process.communicate()


def test_a_process_and_those_below_it_are_found(parent: subprocess.Popen[bytes]) -> None:
    identity = processes.identity_of(parent.pid)
    assert identity is not None
    assert processes.is_alive(identity)
    (child,) = processes.children(identity)
    assert identity in processes.children(processes.own_identity())
    assert {identity, child} <= set(processes.children(processes.own_identity(), recursive=True))
    assert set(processes.marked(f"test-{os.getpid()}")) == {identity, child}


def test_one_that_ended_counts_only_where_it_may() -> None:
    process = subprocess.Popen(["true"])
    wait_until(lambda: processes.identity_of(process.pid) is None, within_s=10, what="the end")
    identity = processes.identity_of(process.pid, or_ended=True)
    assert identity is not None
    assert not processes.is_alive(identity)
    processes.reap_orphans({process.pid})
    assert processes.identity_of(process.pid, or_ended=True) == identity
    processes.reap_orphans(())
    assert processes.identity_of(process.pid, or_ended=True) is None
    process.wait()


def test_nobody_is_found_by_a_pid_that_is_not_there() -> None:
    gone = processes.Identity(2**22 + 1, 1.0)
    assert processes.identity_of(gone.pid) is None
    assert (processes.children(gone), processes.mark_of(gone.pid)) == ([], "")
