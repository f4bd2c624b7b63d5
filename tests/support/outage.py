"""How does a test take a store away from a whole deployment, and how does it know that nothing ran twice at once?

A job that breathes says while it runs that it does, many times a second; so overlap is judged by what ran, also where it was killed.
"""

from __future__ import annotations

import fcntl
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from db.urls import open_store
from system.clock import RealClock
from tests.support.deployments import Deployment
from tests.support.link import Link
from tests.support.rabbit import delete, own_place, url_of
from tests.support.services import service_url
from tests.support.sql_servers import own_sql_database
from tests.support.waiting import wait_until

CLOCK = RealClock()
BREATHE = """
def breathe(work, seconds):
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        time.sleep(0.05)
        mark(work, "breath")
"""
LEASE_S = 2.0
HOURS = 8
DAILY = ', entry("daily", blocking_type="blocking_children")]'
BOTH, ONE = '["a_hourly", "a_daily"]', '["a_hourly"]'


class Outage(ABC):
    """A store that can be away. `environ` leads a deployment to it, `url` a test past all that is in between."""

    environ: dict[str, str]
    url: str

    @abstractmethod
    def begin(self) -> None:
        """Take the store away."""

    @abstractmethod
    def end(self) -> None:
        """Give it back."""


class Moved(Outage):
    """The files of an SQLite store are moved away."""

    def __init__(self, folder: Path) -> None:
        self._disk, self._elsewhere = folder / "disk", folder / "elsewhere"
        self._disk.mkdir()
        self.url = f"sqlite:///{self._disk}/h.db"
        self.environ = {"HORARIUM_STORE_URL": self.url}

    def begin(self) -> None:
        """See Outage. The database goes first."""
        self._elsewhere.mkdir()
        for path in sorted(self._disk.iterdir(), key=lambda path: len(path.name)):
            path.rename(self._elsewhere / path.name)

    def end(self) -> None:
        """See Outage. Nobody may have put another one there."""
        assert list(self._disk.iterdir()) == []
        for path in sorted(self._elsewhere.iterdir(), key=lambda path: -len(path.name)):
            path.rename(self._disk / path.name)


class Locked(Outage):
    """Someone holds the lock of an SQLite store: reads are answered, writes wait."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder}/h.db"
        self.environ = {"HORARIUM_STORE_URL": self.url}
        self._lock = (folder / "h.db.lock").open("w")

    def begin(self) -> None:
        """See Outage."""
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def end(self) -> None:
        """See Outage."""
        self._lock.close()


class Parted(Outage):
    """A server is beyond a link. `hangs`: it says nothing; else it refuses."""

    def __init__(self, link: Link, url: str, broker_url: str, *, hangs: bool) -> None:
        self._link, self._hangs, self.url = link, hangs, url
        self.environ = {"HORARIUM_STORE_URL": link.url, "HORARIUM_BROKER_URL": broker_url}

    def begin(self) -> None:
        """See Outage."""
        if self._hangs:
            self._link.hang()
        else:
            self._link.refuse()

    def end(self) -> None:
        """See Outage."""
        self._link.mend()


class BreathingDeployment(Deployment):
    """A deployment whose hourly jobs breathe, with short leases."""

    def __init__(self, folder: Path, outage: Outage, *, seconds: float) -> None:
        super().__init__(folder, days=1, seconds=seconds)
        context = folder / "context.py"
        text = context.read_text().replace(DAILY, "]").replace(BOTH, ONE)
        context.write_text(text.replace('end="2024010200"', f'end="20240101{HOURS:02}"'))
        jobs = folder / "jobs.py"
        jobs.write_text(jobs.read_text().replace(f"time.sleep({seconds})", f"breathe(work, {seconds})") + BREATHE)
        self.environ |= {"HORARIUM_WORKERS": "2", "HORARIUM_BEAT_S": "0.4", "HORARIUM_SWEEP_S": "0.5", **outage.environ}
        self.environ["HORARIUM_LEASE_S"] = str(LEASE_S)

    def said(self, name: str) -> str:
        """Return what a process has logged."""
        path = self.var / "log" / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def ran_twice_at_once(self) -> list[tuple[str, str]]:
        """Return the jobs of which an attempt breathed on, or ended, after a later one had started."""
        bad: list[tuple[str, str]] = []
        latest: dict[tuple[str, str], int] = {}
        for mark in self.marks():
            latest[mark.job] = max(mark.fence, latest.get(mark.job, 0))
            if mark.fence < latest[mark.job]:
                bad.append(mark.job)
        return bad

    def is_silent(self) -> bool:
        """Return whether no attempt has breathed for a second."""
        return CLOCK.monotonic() - max(mark.at_s for mark in self.marks()) > 1.0

    def under_way(self) -> Counter[tuple[str, str]]:
        """Return the jobs of which an attempt has started and none has ended."""
        started = Counter(mark.job for mark in self.marks() if mark.what == "start")
        return Counter({job: count for job, count in started.items() if job not in self.ended()})


def outlasted(deployment: BreathingDeployment, outage: Outage, *, within_s: float = 60) -> Counter[tuple[str, str]]:
    """Have an outage of two leases in the middle of the work, and judge what became of it; returns the attempts that it interrupted."""
    up = deployment.start("up", "--until-done")
    wait_until(lambda: len(deployment.ended()) >= 2 and len(deployment.under_way()) >= 3, within_s=within_s, what="jobs under way")
    outage.begin()
    begun_s = CLOCK.monotonic()
    wait_until(lambda: deployment.is_silent() and CLOCK.monotonic() - begun_s > 2 * LEASE_S, what="all that ran to have ended itself")
    interrupted = deployment.under_way()
    outage.end()
    _, err = up.communicate(timeout=2 * within_s)
    assert up.returncode == 0, err
    assert (len(deployment.ended()), deployment.ran_twice_at_once()) == (HOURS, [])
    with closing(open_store(outage.url)) as store:
        uows = store.uows([f"{process}/{period}/1/1" for process, period in deployment.ended()])
    assert (len(uows), [uow.id for uow in uows if uow.failures]) == (HOURS, [])
    assert interrupted.keys() <= {(uow.process, uow.timeperiod) for uow in uows if uow.losses}
    return interrupted


@contextmanager
def own_postgresql() -> Iterator[str]:
    """Yield the URL of a database on the PostgreSQL server for tests, which is dropped in the end."""
    with own_sql_database(service_url("POSTGRES_URL"), "outage") as url:
        yield url


@contextmanager
def own_mariadb() -> Iterator[str]:
    """Yield the URL of a database on the MariaDB server for tests, which is dropped in the end."""
    with own_sql_database(service_url("MARIADB_URL"), "outage") as url:
        yield url


@contextmanager
def own_rabbit(queues: Sequence[str]) -> Iterator[str]:
    """Yield the URL of a place on the RabbitMQ server for tests; what is made of `queues` there is deleted in the end."""
    place = own_place()
    try:
        yield url_of(place)
    finally:
        delete(place, queues)
