"""Does every broker keep the port's promises? Each sentence of `mq/broker.py`, on each backend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mq.broker import Broker, Consumer, Delivery, Message
from mq.memory import MemoryBroker
from mq.rabbit import RabbitBroker
from mq.urls import open_broker
from system.errors import BrokerError
from system.sqlfile import SqlFile
from tests.support.rabbit import rabbit_broker
from tests.support.services import service_url

QUEUES = ["a", "b", "c"]


SERVERS = [
    pytest.param("quorum", marks=pytest.mark.service),
    pytest.param("classic", marks=pytest.mark.service),
    pytest.param("tls", marks=pytest.mark.service),
]


@pytest.fixture(params=["memory", "embedded", *SERVERS])
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """A prepared broker with three empty queues; only the one asked for is built."""
    opened: Broker = request.getfixturevalue(request.param)
    opened.prepare()
    opened.declare(QUEUES)
    yield opened
    opened.close()


@pytest.fixture
def memory() -> Broker:
    return MemoryBroker()


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Broker]:
    file = SqlFile(tmp_path / "queue.db")
    yield open_broker("embedded:", file=file, var=tmp_path)
    file.close()


@pytest.fixture
def quorum() -> Iterator[Broker]:
    with rabbit_broker() as broker:
        yield broker


@pytest.fixture
def classic() -> Iterator[Broker]:
    with rabbit_broker(queue_type="classic") as broker:
        yield broker


@pytest.fixture
def tls() -> Iterator[Broker]:
    with rabbit_broker(service_url("AMQPS_URL")) as broker:
        yield broker


@pytest.fixture
def consumer(broker: Broker) -> Iterator[Consumer]:
    """A consumer of queue a."""
    opened = broker.consumer(["a"])
    yield opened
    opened.close()


def publish(broker: Broker, *places: str) -> None:
    """Publish messages given as `queue:body`."""
    broker.publish([Message(queue, body) for queue, body in (place.split(":") for place in places)])


def bodies(deliveries: Sequence[Delivery]) -> list[str]:
    return [delivery.body for delivery in deliveries]


def test_a_broker_tells_which_queues_are_not_there(broker: Broker) -> None:
    broker.declare(["a", "b"])
    facts = broker.describe(["a", "b", "nowhere"])
    assert (facts.undeclared, facts.missing, dict(facts.differing), dict(facts.dead)) == (("nowhere",), (), {}, {})
    assert facts.server


def test_to_mend_a_broker_that_is_whole_drops_nothing(broker: Broker) -> None:
    broker.declare(["a"])
    broker.publish([Message("a", "1")])
    broker.mend()
    assert broker.depths(["a"]) == {"a": 1}


def test_a_message_arrives_with_its_queue_and_body(broker: Broker, consumer: Consumer) -> None:
    publish(broker, "a:flights_hourly/2013010105/1/1")
    assert [(d.queue, d.body) for d in consumer.take(5)] == [("a", "flights_hourly/2013010105/1/1")]


def test_what_is_foretold_is_at_most_one_message_more(broker: Broker, consumer: Consumer) -> None:
    broker.foretell([Message("a", "1")])
    publish(broker, "a:1", "a:2")
    said = bodies(consumer.take(5))
    assert said in (["1", "2"], ["1", "1", "2"])
    assert consumer.take(5) == []


def test_to_foretell_something_never_fails(broker: Broker) -> None:
    broker.foretell([])
    broker.foretell([Message("nowhere", "1")])
    broker.foretell([Message("a", "1"), Message("nowhere", "1")])
    publish(broker, "a:2")
    assert broker.depths(["a"]) == {"a": 1}
    broker.close()
    broker.foretell([Message("a", "1")])


def test_a_message_is_any_short_text(broker: Broker, consumer: Consumer) -> None:
    broker.publish([Message("a", ""), Message("a", "h\u00e9 \u2603 'x' %s ?")])
    assert bodies(consumer.take(5)) == ["", "h\u00e9 \u2603 'x' %s ?"]


def test_an_empty_queue_gives_nothing_without_waiting(consumer: Consumer) -> None:
    assert consumer.take(5) == []


def test_at_most_limit_messages_are_taken(broker: Broker, consumer: Consumer) -> None:
    publish(broker, "a:1", "a:2", "a:3")
    assert [bodies(consumer.take(2)), bodies(consumer.take(2)), bodies(consumer.take(2))] == [["1", "2"], ["3"], []]


@pytest.mark.parametrize("limit", [0, -1])
def test_nothing_is_taken_where_nothing_is_wanted(broker: Broker, consumer: Consumer, limit: int) -> None:
    publish(broker, "a:1")
    assert consumer.take(limit) == []
    assert broker.depths(["a"]) == {"a": 1}


def test_the_oldest_comes_first_across_queues(broker: Broker) -> None:
    consumer = broker.consumer(["c", "a"])
    publish(broker, "a:1", "c:2", "b:not mine", "a:3")
    publish(broker, "c:4")
    assert bodies(consumer.take(3)) == ["1", "2", "3"]
    assert bodies(consumer.take(3)) == ["4"]
    consumer.close()


def test_what_is_urgent_overtakes_across_queues(broker: Broker) -> None:
    publish(broker, "a:1", "b:2")
    broker.publish([Message("b", "3", urgent=True), Message("a", "4", urgent=True)])
    consumer = broker.consumer(["a", "b"])
    assert bodies(consumer.take(3)) == ["3", "4", "1"]
    consumer.close()


def test_what_is_urgent_stays_so_when_it_comes_back(broker: Broker, consumer: Consumer) -> None:
    broker.publish([Message("a", "lost", urgent=True)])
    consumer.take(1)
    publish(broker, "a:new")
    consumer.close()
    other = broker.consumer(["a"])
    assert bodies(other.take(2)) == ["lost", "new"]
    other.close()


def test_a_consumer_may_have_a_thousand_queues(broker: Broker) -> None:
    # A server makes a process and files for each, which is not what is tested here.
    count = 100 if isinstance(broker, RabbitBroker) else 1_000
    names = [f"q{n}" for n in range(count)]
    broker.declare(names)
    publish(broker, f"q{count - 1}:1", "q0:2", f"q{count // 2}:3")
    consumer = broker.consumer(names)
    assert bodies(consumer.take(10)) == ["1", "2", "3"]
    consumer.close()


def test_a_repeated_queue_is_consumed_once(broker: Broker) -> None:
    consumer = broker.consumer(["a", "a"])
    publish(broker, "a:1")
    assert bodies(consumer.take(5)) == ["1"]
    consumer.close()


def test_a_consumer_gets_nothing_of_other_queues(broker: Broker, consumer: Consumer) -> None:
    publish(broker, "b:1")
    assert consumer.take(5) == []


def test_each_message_goes_to_one_consumer(broker: Broker, consumer: Consumer) -> None:
    other = broker.consumer(["a"])
    publish(broker, "a:1", "a:2", "a:3")
    assert [bodies(consumer.take(2)), bodies(other.take(2)), bodies(consumer.take(2))] == [["1", "2"], ["3"], []]
    other.close()


def test_what_was_published_before_the_consumer_came_is_there(broker: Broker) -> None:
    publish(broker, "a:1")
    consumer = broker.consumer(["a"])
    assert bodies(consumer.take(1)) == ["1"]
    consumer.close()


def test_a_tag_names_one_delivery(broker: Broker, consumer: Consumer) -> None:
    publish(broker, "a:same", "a:same")
    first, second = consumer.take(2)
    assert first.tag != second.tag


# -- queues that are not declared


def test_publishing_to_an_undeclared_queue_is_refused_and_sends_nothing(broker: Broker, consumer: Consumer) -> None:
    with pytest.raises(BrokerError, match="queue nowhere is not declared"):
        publish(broker, "a:1", "nowhere:2")
    assert consumer.take(5) == []


def test_fault_4_a_message_to_an_undeclared_queue_does_not_vanish(broker: Broker) -> None:
    with pytest.raises(BrokerError, match="register it in the process context"):
        publish(broker, "nowhere:1")


def test_consuming_an_undeclared_queue_is_refused(broker: Broker) -> None:
    with pytest.raises(BrokerError, match="nowhere"):
        broker.consumer(["a", "nowhere"])


def test_an_undeclared_queue_holds_nothing(broker: Broker) -> None:
    assert (broker.depths(["nowhere"]), broker.purge("nowhere")) == ({"nowhere": 0}, 0)


def test_declaring_and_preparing_again_changes_nothing(broker: Broker) -> None:
    publish(broker, "a:1")
    broker.prepare()
    broker.declare([*QUEUES, "a", "d"])
    assert broker.depths(["a", "d"]) == {"a": 1, "d": 0}


def test_publishing_nothing_is_no_fault(broker: Broker) -> None:
    broker.publish([])
    broker.declare([])
    assert broker.depths([]) == {}


# -- acknowledging and coming back


def test_what_was_acknowledged_does_not_come_back(broker: Broker, consumer: Consumer) -> None:
    publish(broker, "a:1", "a:2")
    consumer.acknowledge(consumer.take(2))
    consumer.close()
    assert broker.depths(["a"]) == {"a": 0}


def test_what_was_not_acknowledged_comes_back_on_close(broker: Broker, consumer: Consumer) -> None:
    other = broker.consumer(["a"])
    publish(broker, "a:1", "a:2", "a:3")
    one, *_ = consumer.take(3)
    consumer.acknowledge([one])
    consumer.close()
    assert bodies(other.take(5)) == ["2", "3"]
    other.close()


def test_what_comes_back_is_older_than_what_was_published_since(broker: Broker, consumer: Consumer) -> None:
    other = broker.consumer(["a"])
    publish(broker, "a:1", "a:2")
    consumer.take(1)
    publish(broker, "a:3")
    consumer.close()
    assert bodies(other.take(5)) == ["1", "2", "3"]
    other.close()


def test_acknowledging_twice_or_nothing_is_no_fault(broker: Broker, consumer: Consumer) -> None:
    publish(broker, "a:1", "a:2")
    taken = consumer.take(1)
    consumer.acknowledge(taken)
    consumer.acknowledge(taken)
    consumer.acknowledge([])
    assert bodies(consumer.take(5)) == ["2"]


def test_a_late_acknowledgement_does_not_drop_what_another_took(broker: Broker, consumer: Consumer) -> None:
    publish(broker, "a:1")
    other, third = broker.consumer(["a"]), broker.consumer(["a"])
    late = consumer.take(1)
    consumer.close()
    assert bodies(other.take(1)) == ["1"]
    consumer.acknowledge(late)
    other.close()
    assert bodies(third.take(1)) == ["1"]
    third.close()


def test_closing_a_consumer_twice_is_no_fault_and_taking_then_is_refused(broker: Broker, consumer: Consumer) -> None:
    consumer.close()
    consumer.close()
    with pytest.raises(BrokerError, match="closed"):
        consumer.take(1)


# -- depths and purge


def test_depths_count_what_waits_in_each_queue(broker: Broker, consumer: Consumer) -> None:
    publish(broker, "a:1", "a:2", "a:3", "b:4")
    consumer.take(1)
    assert broker.depths(["c", "a", "b"]) == {"c": 0, "a": 2, "b": 1}


def test_purge_drops_what_waits_in_one_queue_and_says_how_much(broker: Broker, consumer: Consumer) -> None:
    publish(broker, "a:1", "a:2", "a:3", "b:4")
    consumer.take(1)
    assert (broker.purge("a"), broker.purge("a")) == (2, 0)
    assert broker.depths(["a", "b"]) == {"a": 0, "b": 1}


# -- many at once


def test_thousands_go_in_one_batch_and_keep_their_order(broker: Broker, consumer: Consumer) -> None:
    broker.publish([Message("a", str(n)) for n in range(5000)])
    taken = consumer.take(4000) + consumer.take(4000)
    consumer.acknowledge(taken)
    assert bodies(taken) == [str(n) for n in range(5000)]


def test_eight_threads_together_get_each_message_once(broker: Broker) -> None:
    broker.publish([Message("a", str(n)) for n in range(800)])

    def drain(_: int) -> list[str]:
        consumer = broker.consumer(["a", "b"])
        got: list[str] = []
        while taken := consumer.take(7):
            consumer.acknowledge(taken)
            got += bodies(taken)
        consumer.close()
        return got

    with ThreadPoolExecutor(8) as threads:
        got = [body for part in threads.map(drain, range(8)) for body in part]
    assert sorted(got, key=int) == [str(n) for n in range(800)]


def test_threads_that_publish_at_once_lose_nothing(broker: Broker, consumer: Consumer) -> None:
    def send(sender: int) -> None:
        for n in range(25):
            publish(broker, f"a:{sender}-{n:02}")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(send, range(8)))
    got = bodies(consumer.take(1000))
    assert sorted(got) == [f"{sender}-{n:02}" for sender in range(8) for n in range(25)]
    assert [body for body in got if body.startswith("3-")] == [f"3-{n:02}" for n in range(25)]
