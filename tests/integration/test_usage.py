"""Is it seen what real processes use, with what they started, and whether they are stopped?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from system import processes
from system.processes import Identity
from system.usage import Usage, own_usage, usage_of
from tests.support.waiting import wait_until

BUSY = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])"


def used(who: Identity) -> Usage:
    return usage_of([who])[who]


def test_what_a_process_started_counts_with_it() -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY], start_new_session=True) as parent:
        who = processes.identity_of(parent.pid)
        assert who is not None
        wait_until(lambda: used(who).cpu_s > 0.5)
        assert used(who).memory_bytes > 1_000_000
        os.killpg(parent.pid, signal.SIGKILL)


def test_a_stopped_process_is_seen_as_one() -> None:
    with subprocess.Popen(["sleep", "1000"]) as child:
        who = processes.identity_of(child.pid)
        assert who is not None
        assert not used(who).is_stopped
        child.send_signal(signal.SIGSTOP)
        wait_until(lambda: used(who).is_stopped)
        child.kill()


def test_a_stranger_with_the_pid_is_nobody_we_asked_for() -> None:
    own = processes.own_identity()
    assert list(usage_of([own, Identity(own.pid, own.created_s - 60), Identity(0, 1.0)])) == [own]
    assert own_usage().memory_bytes > 1_000_000


def test_a_process_that_ended_and_was_not_reaped_is_not_there() -> None:
    with subprocess.Popen(["sleep", "1000"]) as child:
        who = processes.identity_of(child.pid)
        assert who is not None
        child.kill()
        wait_until(lambda: usage_of([who]) == {})


def test_a_look_at_all_processes_is_cheap() -> None:
    own, before = processes.own_identity(), own_usage().cpu_s
    for _ in range(50):
        usage_of([own])
    # A beat has one look: at one beat in two seconds this is some thousandths of a CPU, on a machine with hundreds of processes.
    assert (own_usage().cpu_s - before) / 50 < 0.02
