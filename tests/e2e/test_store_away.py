"""Does a box wait for a store that is away, starting and ending nobody, and go on by itself once it is back? With real processes.

Ten minutes are a few seconds here: what is waited for in them (a supervisor's rounds, a lease) is shortened as much.
"""

from __future__ import annotations

import fcntl
import signal
import sqlite3
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.deployments import Deployment, overlaps
from tests.support.tour import site_of
from tests.support.waiting import wait_until

KEPT = ("scheduler", "worker.1", "worker.2")


class AwayBox(Deployment):
    """A deployment whose store lies on a disk of its own, which can be taken away."""

    def __init__(self, folder: Path, **fields: object) -> None:
        super().__init__(folder, **fields)  # type: ignore[arg-type]
        self.disk = folder / "disk"
        self.disk.mkdir()
        self.environ |= {"HORARIUM_STORE_URL": f"sqlite:///{self.disk}/h.db", "HORARIUM_WORKERS": "2", "HORARIUM_BEAT_S": "0.3"}
        self.environ |= {"HORARIUM_LEASE_S": "2", "HORARIUM_SWEEP_S": "0.5"}

    def take_away(self) -> None:
        """Move the files of the store away, itself first."""
        (self.folder / "elsewhere").mkdir()
        for path in sorted(self.disk.iterdir(), key=lambda path: len(path.name)):
            path.rename(self.folder / "elsewhere" / path.name)

    def put_back(self) -> None:
        """Move the files of the store back, itself last."""
        for path in sorted((self.folder / "elsewhere").iterdir(), key=lambda path: -len(path.name)):
            path.rename(self.disk / path.name)

    def tallies(self) -> list[tuple[int, int]]:
        """Return the failures and losses of each unit of work."""
        with closing(sqlite3.connect(self.disk / "h.db")) as conn:
            return list(conn.execute("SELECT failures, losses FROM uow"))

    def said(self, name: str = "supervisor") -> str:
        """Return what a process has logged."""
        path = self.var / "log" / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def page(self) -> str:
        """Return the first page of the dashboard, empty where there is none."""
        try:
            with urllib.request.urlopen(site_of(self.var), timeout=10) as answer:
                return str(answer.read().decode())
        except (OSError, ValueError):
            return ""

    def pids(self) -> dict[str, int | None]:
        """Return who runs."""
        found = {name: self.identity(name) for name in KEPT}
        return {name: who.pid if who else None for name, who in found.items()}

    def await_kept(self) -> dict[str, int | None]:
        """Return who runs once all of them do."""
        wait_until(lambda: None not in self.pids().values(), within_s=20, what="all to run")
        return self.pids()


@pytest.fixture
def box(tmp_path: Path) -> Iterator[AwayBox]:
    """Two days of hours; everything ends with the test."""
    made = AwayBox(tmp_path, days=2, seconds=0.4)
    yield made
    made.end()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[AwayBox]:
    """Six days of hours, so that work is left once the dashboard is there as well."""
    made = AwayBox(tmp_path, days=6, seconds=0.4)
    made.environ["HORARIUM_MX_LISTEN"] = "127.0.0.1:0"
    yield made
    made.end()


def test_a_store_that_is_away_for_longer_than_a_lease_costs_time_and_nothing_else(box: AwayBox) -> None:
    up = box.start("up", "--until-done")
    before = box.await_kept()
    wait_until(lambda: len(box.ended()) >= 5, within_s=20)
    box.take_away()
    box.kill("worker.1")
    wait_until(lambda: "no beat came back within" in box.said("worker.2"), what="the session of worker.2 to be over")
    wait_until(lambda: "the store is away" in box.said())
    assert box.said().count(": started ") == 3
    assert box.pids() == {**before, "worker.1": None}
    assert list(box.disk.iterdir()) == []
    box.put_back()
    out, err = up.communicate(timeout=60)
    assert up.returncode == 0, err
    assert (len(box.ended()), overlaps(box.marks())) == (50, [])
    assert (box.said().count("the store is away"), box.said().count("the store is back"), out.count("the store is away")) == (1, 1, 1)
    assert box.said().count(": started ") == 4
    tallies = box.tallies()
    assert sum(failures for failures, _ in tallies) == 0
    assert sum(losses for _, losses in tallies) >= 1


def test_a_supervisor_that_is_started_while_the_store_is_away_waits_and_can_be_stopped(box: AwayBox) -> None:
    assert box.call("db", "--update")[0] == 0
    box.take_away()
    code, _, err = box.call("start")
    assert (code, "the store is away, and is waited for" in err) == (0, True)
    wait_until(lambda: "the store is away, and is waited for" in box.said())
    assert box.call("stop")[1].endswith("supervisor has stopped\n")
    assert "supervisor has stopped" in box.said()
    assert box.call("start")[0] == 0
    wait_until(lambda: box.said().count("waited for") == 2)
    box.put_back()
    box.await_kept()
    assert box.call("stop")[0] == 0
    assert box.leftovers() == []


def test_up_waits_for_its_store_too_and_ctrl_c_ends_that(box: AwayBox) -> None:
    box.call("db", "--update")
    box.take_away()
    up = box.start("up")
    wait_until(lambda: "waited for" in box.said())
    up.send_signal(signal.SIGINT)
    out, err = up.communicate(timeout=10)
    assert (up.returncode, err) == (0, "")
    assert out.count("h.db is away") == 1
    assert list(box.disk.iterdir()) == []


def test_a_restored_backup_is_taken_up_by_all_that_runs(watched: AwayBox) -> None:
    box = watched
    up = box.start("up", "--until-done")
    before = box.await_kept()
    wait_until(lambda: len(box.ended()) >= 5, within_s=20)
    wait_until(lambda: "scheduling on" in box.page(), within_s=20, what="a dashboard")
    copy_database(box.disk / "h.db", box.folder / "backup")
    done = len(box.ended())
    wait_until(lambda: len(box.ended()) >= done + 10, within_s=20)
    box.take_away()
    (box.folder / "backup").rename(box.disk / "h.db")
    wait_until(lambda: "scheduling on" in box.page(), within_s=20, what="the dashboard over the backup")
    _, err = up.communicate(timeout=60)
    assert up.returncode == 0, err
    assert (len(box.ended()), box.said().count(": started ")) == (150, 4)
    assert box.pids() == dict.fromkeys(before)
    assert sum(failures for failures, _ in box.tallies()) == 0


def copy_database(path: Path, to: Path) -> None:
    """Copy a database while it is in use."""
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


def test_commands_beside_a_running_system_begin_no_empty_store(box: AwayBox) -> None:
    box.start("up")
    box.await_kept()
    box.take_away()
    for command in (("status",), ("job", "why", "a_daily", "2024010100"), ("install",)):
        code, _, err = box.call(*command)
        assert (code, "h.db is away" in err, "launch.py db --reset" in err) == (1, True, True), command
    assert box.call("list")[0] == 0
    assert list(box.disk.iterdir()) == []


def test_a_lock_that_holds_the_store_holds_up_neither_a_restart_nor_a_stop(box: AwayBox) -> None:
    up = box.start("up")
    before = box.await_kept()
    with (box.disk / "h.db.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        box.kill("worker.1")
        wait_until(lambda: box.pids()["worker.1"] not in (None, before["worker.1"]), what="worker.1 to run again")
        box.kill("scheduler")
        wait_until(lambda: box.pids()["scheduler"] not in (None, before["scheduler"]), what="the scheduler to run again")
        up.send_signal(signal.SIGINT)
        up.communicate(timeout=25)
    assert box.leftovers() == []
