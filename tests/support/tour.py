"""Where do the browser tests look around? One deployment for all of them: the demo's first months, run by real workers, under `up`."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from launcher.web.address import told
from tests.support.flights_run import ROOT, FlightsRun
from tests.support.toured.obedient import BROKEN, SLOW
from tests.support.waiting import wait_until

TOURED = ROOT / "tests" / "support" / "toured" / "context.py"
END = "2013040100"
_ALL_FINISHED = re.compile(r" ([\d,]+) of \1 periods finished$", re.MULTILINE)


class Tour:
    """A deployment that is up, with its dashboard, and what tests tell its jobs."""

    def __init__(self, folder: Path, source: Path, *, end: str = END, settings: Mapping[str, str] | None = None) -> None:
        self.run = FlightsRun(folder, source, end=end, context=TOURED, settings={"HORARIUM_MX_LISTEN": "127.0.0.1:0", **(settings or {})})
        self._up: subprocess.Popen[bytes] | None = None

    def start(self, *, within_s: float = 180.0) -> None:
        """Return once all periods are finished and the dashboard is there."""
        self._up = self.run.start("up")
        wait_until(self._is_done, within_s=within_s, what="the timetable to be finished")
        wait_until(lambda: bool(self.site), within_s=30, what="the dashboard to be there")

    @property
    def site(self) -> str:
        """The dashboard's address without the last slash, empty where it is not there."""
        return site_of(self.run.var)

    def _is_done(self) -> bool:
        assert self._up is not None
        assert self._up.poll() is None, self.run.said()
        return bool(_ALL_FINISHED.search(self.run.said()))

    @contextmanager
    def slow(self, seconds: float) -> Iterator[None]:
        """Have each job last so long."""
        file = self.run.marks_folder / SLOW
        file.write_text(str(seconds))
        try:
            yield
        finally:
            file.unlink()

    @contextmanager
    def broken(self, *jobs: str) -> Iterator[None]:
        """Have these jobs fail, each named as `process/timeperiod`."""
        file = self.run.marks_folder / BROKEN
        file.write_text(" ".join(jobs))
        try:
            yield
        finally:
            file.unlink()

    def close(self) -> None:
        """End it."""
        self.run.close()


def site_of(var: Path) -> str:
    """Return the address that a dashboard over a folder has told, empty where there is none."""
    return (told(var) or "").rstrip("/")


@contextmanager
def second_dashboard(tour: Tour, folder: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """Serve the deployment by another dashboard with other settings; yields its address."""
    environ = {**tour.run.environ, "HORARIUM_STORE_URL": f"sqlite:///{tour.run.var}/horarium.db", "HORARIUM_VAR": str(folder), **settings}
    with (folder / "mx.out").open("wb") as out:
        process = subprocess.Popen([sys.executable, str(ROOT / "launch.py"), "mx"], env=environ, stdout=out, stderr=out)
    try:
        wait_until(lambda: bool(site_of(folder)), within_s=30, what=f"the dashboard to be there: {folder / 'mx.out'} says")
        yield site_of(folder)
    finally:
        process.terminate()
        process.wait(20)
