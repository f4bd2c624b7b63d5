"""Does the demo come to the same on MongoDB's protocol and RabbitMQ while everything is killed, the servers too? Judged as on one box.

Servers of its own, since they are killed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from db.urls import open_store
from tests.services.mongodb import mongodb
from tests.services.rabbitmq import RabbitMQ
from tests.services.server import Server
from tests.support.flights_judge import expect, jobs_until, not_finished_once, out_of_order, overlaps, without_end
from tests.support.flights_run import FlightsRun, loaded_source, results
from tests.support.pair_accidents import AccidentProneKiller, Pair
from tests.support.services import service_url

TEN_DAYS = "2013011100"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file with the raw data."""
    return loaded_source(tmp_path_factory.mktemp("flights"))


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """A store's and a broker's server that no other test uses."""
    for name in ("MONGODB_URL", "AMQP_URL"):
        service_url(name)  # where these are missing, those can't be started either
    folder = tmp_path_factory.mktemp("servers")
    made: tuple[Server, Server] = mongodb(folder / "mongodb"), RabbitMQ(folder / "rabbitmq")
    try:
        yield made[0].start(), made[1].start()
    finally:
        for server in made:
            server.remove()


@pytest.mark.parametrize("seed", [31, pytest.param(32, marks=pytest.mark.long), pytest.param(33, marks=pytest.mark.long)])
def test_ten_days_come_to_the_same_while_processes_and_servers_die(
    servers: tuple[Server, Server], source: Path, tmp_path: Path, seed: int
) -> None:
    store, broker = servers
    urls = f"{store.url}/chaos_{seed}", f"{broker.url}"
    run = FlightsRun(
        tmp_path / "run", source, end=TEN_DAYS, pace_s=0.3, settings={"HORARIUM_STORE_URL": urls[0], "HORARIUM_BROKER_URL": urls[1]}
    )
    try:
        pair = Pair(run, store, broker, *urls)
        accidents = [
            (30, pair.purge_the_queues), (60, pair.say_all_again), (90, pair.restart_the_broker), (130, pair.restart_the_store),
            (170, pair.say_all_again), (200, pair.restart_both), (230, pair.purge_the_queues),
        ]  # fmt: skip
        killer = AccidentProneKiller(run, seed, accidents)
        killer.run_to_the_end(within_s=400)
        marks = run.marks()
        said = Counter(mark.what for mark in marks)
        print(f"\nseed {seed}: {killer.toll.seconds:.0f} s, {dict(killer.toll.kills)}, up started {killer.toll.starts} times, {dict(said)}")  # noqa: T201
        assert killer.ends_at_last is not None, "the run ended before all accidents had happened"
        assert overlaps(marks) == []
        assert out_of_order(marks) == []
        assert without_end(marks, jobs_until(TEN_DAYS)) == []
        assert run.sinks() == results(expect(TEN_DAYS, source, tmp_path))
        with closing(open_store(urls[0])) as opened:
            assert not_finished_once(opened, jobs_until(TEN_DAYS), run.written()) == []
        ended = [mark.job for mark in marks if mark.what == "end"][killer.ends_at_last :]
        workers = pair.sessions_of(ended[len(ended) // 2 :])
        assert len(workers) > 1, f"both workers must go on after the last accident, but these did: {workers}"
        assert sum(pair.depths().values()) < 10, f"queues must not grow: {pair.depths()}"
        assert run.leftovers() == []
    finally:
        run.close()
