"""How does a test run a recomputing hour? An engine whose hourly process has a source in memory that answers at once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from db.source import MemorySource
from scheduler.blockers import Blocker
from scheduler.engine import Engine
from scheduler.policy import SchedulerSettings
from system.lifecycle import JobState
from tests.support.lamp import Lamp, january
from tests.support.probers import AtOnce

HOUR = "flights_hourly/2020010100"
MIDNIGHT = datetime(2020, 1, 1, tzinfo=UTC)
LIVE: dict[str, Any] = {
    "state_machine_name": "recomputing", "trigger_frequency": "every 600", "source": "sqlite:///x.db#table=rows&time=at",
    "blocking_type": "blocking_normal",
}  # fmt: skip


class Spring(Lamp):
    """An engine whose hourly process has a source in memory."""

    def __init__(self, *minutes: int) -> None:
        self.source = MemorySource()
        self.prober = AtOnce(self.source)
        self.come(*minutes)
        processes = january(
            ("hourly",), start="2020010100", end="2020010101", **LIVE
        )
        super().__init__(processes, SchedulerSettings(lease_s=1e9))
        self.turn(4)

    def another_engine(self, session: str) -> Engine:
        """Return a further engine, with the same source."""
        self.open_session(session, kind="scheduler")
        return Engine(self.store, self.broker, self.context, self.clock, self.settings, session=session, prober=self.prober)

    def come(self, *minutes: int) -> None:
        """Let a row come for each minute of the first hour; its key is the minute."""
        self.source.rows += [(MIDNIGHT + timedelta(minutes=minute), minute) for minute in minutes]

    def pass_s(self, seconds: float) -> None:
        """Let time pass, and rounds be done."""
        self.clock.sleep(seconds)
        self.turn(4)

    def slice(self, run: int) -> dict[str, int | None]:
        """Return the slice of a run."""
        found: dict[str, int | None] = json.loads(self.uow(f"{HOUR}/1/{run}").slice)
        return found

    def now_is(self) -> JobState:
        """Return the state of the hour."""
        return self.state("flights_hourly", "2020010100")

    def why(self) -> Blocker:
        """Return what the hour waits for."""
        return self.desk.why("flights_hourly", "2020010100").leaves()[0]


class Backlog(Spring):
    """A day of recomputing hours that are over, each of which had one row; its key is the hour. Nothing was done yet."""

    def __init__(self, *, window_least: int = 3, **fields: Any) -> None:
        self.source = MemorySource()
        self.rows_for_all()
        self.prober = AtOnce(self.source)
        processes = january(("hourly",), start="2020010100", end="2020010200", **LIVE, **fields)
        settings = SchedulerSettings(lease_s=1e9, window_per_slot=0, window_least=window_least)
        Lamp.__init__(self, processes, settings, begins=MIDNIGHT + timedelta(days=1))

    def rows_for_all(self, key: int = 0) -> None:
        """Let a row come for each hour; its key is `key`, else the hour."""
        self.source.rows += [(MIDNIGHT + timedelta(hours=hour), key or hour) for hour in range(24)]
