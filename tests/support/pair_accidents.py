"""What else befalls a deployment on servers while its processes are killed? They restart, a queue is emptied, messages come twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from db.urls import open_store
from mq.broker import Message
from mq.urls import open_broker
from system.context import REPORT_QUEUE
from tests.services.server import Server
from tests.support.flights_kills import Killer
from tests.support.flights_run import FlightsRun

Accident = Callable[[], None]


class AccidentProneKiller(Killer):
    """Kills, and lets each of `accidents` happen once, as soon as so many jobs have ended. Kills go on until the last one."""

    def __init__(self, run: FlightsRun, seed: int, accidents: list[tuple[int, Accident]]) -> None:
        super().__init__(run, seed)
        self._accidents = sorted(accidents, key=lambda accident: accident[0])
        self.ends_at_last: int | None = None

    def _between(self) -> None:
        ends = self._run.count_ends()
        while self._accidents and ends >= self._accidents[0][0]:
            _, accident = self._accidents.pop(0)
            accident()
            self.toll.kills[accident.__name__] += 1
        if not self._accidents and self.ends_at_last is None:
            self._at_most = self.toll.kills.total()
            self.ends_at_last = self._run.count_ends()


class Pair:
    """A deployment's store and broker, as accidents find them."""

    def __init__(self, run: FlightsRun, store: Server, broker: Server, store_url: str, broker_url: str) -> None:
        self._run, self._servers = run, {"store": store, "broker": broker}
        self._urls = store_url, broker_url

    def restart_the_store(self) -> None:
        """Kill the store's server and start it again over the same data."""
        self._restart(self._servers["store"])

    def restart_the_broker(self) -> None:
        """Kill the broker's server and start it again over the same data."""
        self._restart(self._servers["broker"])

    def restart_both(self) -> None:
        """Kill both at once, and start them again."""
        for server in self._servers.values():
            server.kill()
        for server in self._servers.values():
            server.start()

    def purge_the_queues(self) -> None:
        """Empty every queue, as a person would."""
        for queue in self.depths():
            self._run.launch("queue", "purge", queue, "--yes")

    def say_all_again(self) -> None:
        """Publish a message twice for each unit of work that was ever opened, whatever became of it, and a report for each."""
        store_url, broker_url = self._urls
        with closing(open_store(store_url)) as store, closing(open_broker(broker_url, file=None, var=Path(self._run.var))) as broker:
            opened = [uow for number in range(0, store.projected_turn(), 100) for t in store.turns_after(number, 100) for uow in t.opened]
            messages = [Message(uow.queue, uow.id) for uow in opened]
            reports = [Message(REPORT_QUEUE, uow.id) for uow in opened]
            broker.publish([*messages, *messages, *reports])

    def depths(self) -> dict[str, int]:
        """Return how many messages each queue holds, as `launch.py queue list` tells."""
        return {row["queue"]: row["messages"] for row in json.loads(self._run.launch("queue", "list", "--json"))}

    @staticmethod
    def _restart(server: Server) -> None:
        server.kill()
        server.start()
