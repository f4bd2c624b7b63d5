"""What else befalls a deployment on servers while its processes are killed? They restart, a queue is emptied, messages come twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager

from db.urls import open_store
from mq.broker import Broker, Message
from mq.urls import open_broker
from system.context import REPORT_QUEUE
from tests.services.server import Server
from tests.support.flights_judge import JobKey
from tests.support.flights_kills import Killer
from tests.support.flights_run import FlightsRun
from tests.support.waiting import wait_until

Accident = Callable[[], None]


class AccidentProneKiller(Killer):
    """Kills, and lets each of `accidents` happen once, as soon as so many jobs have ended. Kills go on until the last one."""

    def __init__(self, run: FlightsRun, seed: int, accidents: list[tuple[int, Accident]]) -> None:
        super().__init__(run, seed)
        self._accidents = sorted(accidents, key=lambda accident: accident[0])
        self.ends_at_last: int | None = None

    def _between(self) -> None:
        if self._accidents and self._run.count_ends() >= self._accidents[0][0]:
            # An `up --until-done` that finds a server away at its start ends with exit code 1, as it should.
            up = self._up
            wait_until(lambda: up is None or up.poll() is not None or self._run.has_begun(), within_s=60, what="up to begin")
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
        """Empty every queue; the first as a person would."""
        queues = list(self.depths())
        self._run.launch("queue", "purge", queues[0], "--yes")
        with self._broker() as broker:
            for queue in queues[1:]:
                broker.purge(queue)

    def say_all_again(self) -> None:
        """Publish a message twice for each unit of work that was ever opened, whatever became of it, and a report for each."""
        with closing(open_store(self._urls[0])) as store, self._broker() as broker:
            opened = [uow for number in range(0, store.projected_turn(), 100) for t in store.turns_after(number, 100) for uow in t.opened]
            messages = [Message(uow.queue, uow.id) for uow in opened]
            reports = [Message(REPORT_QUEUE, uow.id) for uow in opened]
            broker.publish([*messages, *messages, *reports])

    def depths(self) -> dict[str, int]:
        """Return how many messages each queue holds, as `launch.py queue list` tells."""
        return {row["queue"]: row["messages"] for row in json.loads(self._run.launch("queue", "list", "--json"))}

    def sessions_of(self, jobs: Iterable[JobKey]) -> set[str]:
        """Return the sessions of who finished `jobs`."""
        with closing(open_store(self._urls[0])) as store:
            return {uow.session for process, timeperiod in jobs for uow in store.uows_of(process, timeperiod, 1)}

    @contextmanager
    def _broker(self) -> Iterator[Broker]:
        with closing(open_broker(self._urls[1], file=None, var=self._run.var)) as broker:
            yield broker

    @staticmethod
    def _restart(server: Server) -> None:
        server.kill()
        server.start()
