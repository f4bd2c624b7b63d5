"""How does a test run several boxes over one store? Real processes, each with a box's name and folder, and a sink that tells on them.

An hour of the timetable passes in a second, so that something is always due next.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from db.model import Session, Turn
from db.store import Store
from db.urls import open_store
from system.clock import RealClock
from system.timeperiod import HOURLY, Timeperiod, parse
from tests.support.waiting import wait_until
from tests.support.whole_lines import whole_lines

ROOT = Path(__file__).resolve().parents[2]
BEGIN = "2024-02-01T00:00"
FIRST = parse(HOURLY, "2024020100").ordinal

CONTEXT = """
from system.context import managed_context_entry, timetable_tree_entry
def entry(level, **fields):
    return managed_context_entry("a_" + level, "jobs.run", "a", "_" + level, start="2024020100", lag_s=0.0, **fields)
process_context = [entry("hourly"), entry("daily", blocking_type="blocking_children")]
timetable_context = [timetable_tree_entry("a", ["a_hourly", "a_daily"])]
"""

# A line at the start, at each sign of life, and at the end, written in one piece each: boxes of one machine share the file.
JOBS = """
import os, time
from pathlib import Path
SINK = Path(__file__).parent / "sink"
def say(what, work):
    with SINK.open("a") as file:
        file.write(f"{{what}} {{work.process}} {{work.timeperiod}} {{work.fence}} {{time.monotonic()}} {{os.environ['TEST_BOX']}}\\n")
def run(work):
    say("start", work)
    until = time.monotonic() + {seconds}
    while time.monotonic() < until:
        time.sleep(0.05)
        say("lives", work)
    say("end", work)
    return 1
"""


@dataclass(frozen=True, slots=True)
class Line:
    """What an attempt said of itself."""

    what: str
    period: str
    fence: int
    at_s: float
    box: str


class SeveralBoxes:
    """A deployment whose boxes share a store. What is started ends with `end`."""

    def __init__(
        self, folder: Path, *, store_url: str = "", broker_url: str = "embedded:", speed: float = 3_600.0, seconds: float = 0.0
    ) -> None:
        self.folder = folder
        (folder / "context.py").write_text(CONTEXT)
        (folder / "jobs.py").write_text(JOBS.format(seconds=seconds))
        self.clock = RealClock()
        self.environ = {
            **{name: text for name, text in os.environ.items() if not name.startswith("HORARIUM_")},
            "HORARIUM_CONTEXT": str(folder / "context.py"), "HORARIUM_STORE_URL": store_url or f"sqlite:///{folder / 'store.db'}",
            "HORARIUM_BROKER_URL": broker_url, "HORARIUM_TRIAL_CLOCK": f"{BEGIN}@{speed:g}", "HORARIUM_POLL_S": "0.1",
            "HORARIUM_STOP_GRACE_S": "3",
        }  # fmt: skip
        self._trial = f"{BEGIN}@{speed:g} {self.clock.now().isoformat()}\n"
        self.started: dict[str, subprocess.Popen[bytes]] = {}
        self.store: Store = open_store(self.environ["HORARIUM_STORE_URL"])
        self.store.prepare()

    def var(self, box: str) -> Path:
        """Return the folder of a box."""
        var = self.folder / box
        if not var.exists():
            var.mkdir()
            (var / "trial_clock").write_text(self._trial)
        return var

    def start(self, name: str, box: str, *, before: Sequence[str] = (), **environ: str) -> subprocess.Popen[bytes]:
        """Start a process of a box by its name, such as `scheduler`; `before` is put before the command."""
        var = self.var(box)
        call = [*before, sys.executable, str(ROOT / "process_starter.py"), name]
        with (var / f"{name}.printed").open("ab") as said:
            given = {**self.environ, "HORARIUM_VAR": str(var), "HORARIUM_BOX": box, "TEST_BOX": box, **environ}
            self.started[f"{name} {box}"] = process = subprocess.Popen(call, env=given, stdout=said, stderr=said)
        return process

    def send(self, name: str, box: str, signum: signal.Signals) -> None:
        """Send a signal to a process of a box."""
        self.started[f"{name} {box}"].send_signal(signum)

    def sessions(self, kind: str = "scheduler") -> dict[str, Session]:
        """Return the open sessions of a kind by their boxes."""
        return {session.box: session for session in self.store.sessions() if session.kind == kind}

    def last_turn(self) -> Turn | None:
        """Return the last turn, None before the first."""
        number = max(0, self.store.projected_turn() - 1)
        while turns := self.store.turns_after(number, 500):
            number = turns[-1].number
            if len(turns) < 500:
                return turns[-1]
        return None

    def leader(self) -> str:
        """Return the box whose scheduler made the last turn, once there is one."""
        wait_until(lambda: self.last_turn() is not None, within_s=20, what="a first turn")
        last = self.last_turn()
        assert last is not None
        return last.session.partition("-scheduler-")[0]

    def until_led_by_another(self, leader: str, *, requests: bool = False, within_s: float = 20.0) -> float:
        """Return the seconds until another box's scheduler makes a turn, with `requests` one that opens a unit of work."""
        before = self.last_turn()
        assert before is not None
        seen = before.number

        def is_led() -> bool:
            nonlocal seen
            turns = self.store.turns_after(seen, 500)
            seen = turns[-1].number if turns else seen
            return any(not turn.session.startswith(f"{leader}-scheduler-") and (turn.opened or not requests) for turn in turns)

        return wait_until(is_led, within_s=within_s, what=f"a box other than {leader} to lead")

    def all_hot(self, *boxes: str) -> None:
        """Wait until the schedulers of `boxes` know the last turn and beat."""
        wait_until(lambda: set(self.sessions()) >= set(boxes), within_s=20, what=f"{boxes} to be there")

        def is_hot() -> bool:
            known = [int(session.facts.get("turn", "0")) for session in self.sessions().values()]
            return min(known) > 0

        wait_until(is_hot, within_s=20, what=f"{boxes} to follow")

    def lines(self) -> list[Line]:
        """Return what the attempts said, in the order of writing."""
        path = self.folder / "sink"
        words = [line.split() for line in whole_lines(path)]
        return [Line(w[0], f"{w[1]} {w[2]}", int(w[3]), float(w[4]), w[5]) for w in words]

    def ran(self) -> Counter[str]:
        """Return how often each period ran to its end."""
        return Counter(line.period for line in self.lines() if line.what == "end")

    def must_have_run_once(self, more: int = 5) -> None:
        """Wait until `more` hours after those so far have run; fails the test where one is left out, or any period ran twice."""
        ran = [parse(HOURLY, period.split()[1]).ordinal for period in self.ran() if period.startswith("a_hourly")]
        count = max(ran, default=FIRST) - FIRST + more
        wanted = {f"a_hourly {Timeperiod(HOURLY, FIRST + number).id}" for number in range(count)}
        wait_until(lambda: wanted <= set(self.ran()), within_s=60, what=f"{count} hours to have run")
        twice = {period: times for period, times in self.ran().items() if times > 1}
        assert not twice, twice

    def end(self) -> None:
        """End all that was started."""
        for process in self.started.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()
        self.store.close()

    def said(self, name: str, box: str) -> str:
        """Return the log of a process."""
        path = self.var(box) / "log" / f"{name}.log"
        return path.read_text() if path.exists() else ""
