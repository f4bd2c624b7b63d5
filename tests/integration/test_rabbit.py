"""Does RabbitMQ do what the port asks where servers, connections and processes end? On a server of its own, which is killed here."""

from __future__ import annotations

import errno
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from mq.broker import Broker, Consumer, Message
from mq.rabbit import RabbitBroker
from mq.rabbit_consumer import RabbitConsumer
from mq.rabbit_topology import URGENT_END
from mq.rabbit_url import RabbitPlace, place_of
from system.clock import RealClock
from system.context import DEAD_QUEUE, MANAGED_EXCHANGE, Queue
from system.errors import BrokerAway, BrokerError, HorariumError, QueueMissing, Unavailable
from tests.services.rabbitmq import RabbitMQ
from tests.support.rabbit import channel_to, own_place, private_rabbit, rabbit_broker, url_of
from tests.support.sources import ROOT
from tests.support.waiting import wait_until

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    """A server of our own, where there may be servers at all."""
    with private_rabbit(tmp_path_factory.mktemp("rabbitmq"), {}) as started:
        yield started


@pytest.fixture
def place(server: RabbitMQ) -> RabbitPlace:
    """Names of our own there; nobody waits long."""
    server.start()
    return own_place(server.url, wait_s=3)


@pytest.fixture
def broker(place: RabbitPlace) -> Iterator[RabbitBroker]:
    """A broker with queue a."""
    opened = RabbitBroker(place, RealClock())
    opened.prepare()
    opened.declare(["a"])
    yield opened
    opened.close()


def publish(broker: Broker, *bodies: str, queue: str = "a") -> None:
    broker.publish([Message(queue, body) for body in bodies])


def taken(consumer: Consumer, count: int, within_s: float = 10.0) -> list[str]:
    """Return the next `count` bodies, acknowledged."""
    found: list[str] = []

    def look() -> bool:
        deliveries = consumer.take(count - len(found))
        consumer.acknowledge(deliveries)
        found.extend(delivery.body for delivery in deliveries)
        return len(found) >= count

    wait_until(look, within_s=within_s, what=f"{count} messages")
    return found


def tell_that_it_is_gone(place: RabbitPlace, broker: RabbitBroker, queue: str) -> None:
    """Delete a queue behind the back of its consumer, and see that this is told."""
    consumer = broker.consumer([queue])
    assert consumer.take(1) == []
    with channel_to(place) as channel:
        channel.queue_delete(place.prefix + queue)
    with pytest.raises(BrokerError, match="deleted"):
        taken(consumer, 1)
    consumer.close()


def lies_with(consumer: Consumer) -> int:
    """Return how many messages the server has sent ahead to a consumer."""
    assert isinstance(consumer, RabbitConsumer)
    return len(consumer.shelf)


def goes(broker: RabbitBroker, body: str) -> bool:
    """Return whether a message can be published just now."""
    try:
        publish(broker, body)
    except HorariumError:
        return False
    return True


def started(place: RabbitPlace, limit: int, what: str) -> subprocess.Popen[str]:
    """Start a process that consumes."""
    command = [sys.executable, "-m", "tests.support.rabbit_drain", url_of(place), "a", str(limit), what]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


# -- processes


def test_eight_processes_together_get_each_message_once(place: RabbitPlace, broker: RabbitBroker) -> None:
    children = [started(place, 5, "drain") for _ in range(8)]
    bodies = [str(n) for n in range(800)]
    for first in range(0, 800, 50):
        publish(broker, *bodies[first : first + 50])
    got = [line for child in children for line in child.communicate(timeout=60)[0].split()]
    assert sorted(got, key=int) == bodies
    assert broker.depths(["a"]) == {"a": 0}


def test_what_a_killed_process_had_taken_comes_back(place: RabbitPlace, broker: RabbitBroker) -> None:
    publish(broker, "1", "2", "3")
    child = started(place, 2, "hold")
    assert child.stdout
    assert [child.stdout.readline().strip() for _ in range(2)] == ["1", "2"]
    assert broker.depths(["a"]) == {"a": 1}
    child.send_signal(signal.SIGKILL)
    child.communicate()
    wait_until(lambda: broker.depths(["a"]) == {"a": 3}, what="the killed process's messages")
    consumer = broker.consumer(["a"])
    assert taken(consumer, 3) == ["1", "2", "3"]
    consumer.close()


def test_what_a_consumer_does_not_come_for_goes_to_another_one(broker: RabbitBroker) -> None:
    busy, idle = broker.consumer(["a"]), broker.consumer(["a"])
    publish(broker, *"12345678")
    busy.acknowledge(busy.take(4))  # full now, and the server sends as many again
    assert sorted(taken(idle, 4)) == ["5", "6", "7", "8"]
    for consumer in (busy, idle):
        consumer.close()


def test_what_comes_to_a_consumer_without_time_goes_to_another_one_at_once(broker: RabbitBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mq.rabbit_feed.HOLD_S", 60.0)
    busy, idle = broker.consumer(["a"]), broker.consumer(["a"])
    publish(broker, "1")
    assert taken(busy, 1) == ["1"]
    assert busy.take(0) == []
    publish(broker, "2")  # to the only one that has subscribed
    assert taken(idle, 1) == ["2"]
    idle.take(0)
    publish(broker, "3")
    assert taken(busy, 1) == ["3"]
    for consumer in (busy, idle):
        consumer.close()


def test_what_lies_with_a_consumer_goes_to_another_one_once_it_has_no_time(broker: RabbitBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mq.rabbit_feed.HOLD_S", 60.0)
    busy, idle = broker.consumer(["a"]), broker.consumer(["a"])
    publish(broker, "1", "2", "3")
    busy.acknowledge(busy.take(1))  # the server has sent two
    wait_until(lambda: lies_with(busy) > 0, what="what the server sends ahead")
    busy.take(0)
    assert sorted(taken(idle, 2)) == ["2", "3"]
    for consumer in (busy, idle):
        consumer.close()


def test_many_messages_stay_with_a_consumer_without_time(broker: RabbitBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mq.rabbit_feed.HOLD_S", 60.0)
    consumer = broker.consumer(["a"])
    publish(broker, *"123456789")
    consumer.acknowledge(consumer.take(8))  # the server sends as many ahead from now on
    publish(broker, *"abcdefg")
    wait_until(lambda: lies_with(consumer) == 8, what="more than a few")
    consumer.take(0)
    assert broker.depths(["a"]) == {"a": 8}  # asks the thread that would have given them back
    assert lies_with(consumer) == 8
    consumer.close()


def test_given_back_is_not_counted_as_failed(server: RabbitMQ) -> None:
    with rabbit_broker(server.url, delivery_limit=1) as broker:
        broker.declare(["a"])
        busy, idle = broker.consumer(["a"]), broker.consumer(["a"])
        for body in "123":
            publish(broker, body, body)
            busy.acknowledge(busy.take(1))
            assert taken(idle, 1) == [body]
        assert broker.depths(["a", DEAD_QUEUE]) == {"a": 0, DEAD_QUEUE: 0}
        for consumer in (busy, idle):
            consumer.close()


# -- the server ends, hangs, is full


def test_fault_9_publisher_and_consumer_go_on_after_the_server_was_killed(server: RabbitMQ, broker: RabbitBroker) -> None:
    publish(broker, "1")
    consumer = broker.consumer(["a"])
    server.kill()
    wait_until(lambda: not goes(broker, "lost"), what="the loss to be seen")
    with pytest.raises(Unavailable, match="RabbitMQ"):
        consumer.take(1)
    consumer.close()
    server.start()
    wait_until(lambda: goes(broker, "2"), within_s=30, what="the connection to come back")
    again = broker.consumer(["a"])
    assert [body for body in taken(again, 2) if body != "lost"] == ["1", "2"]
    again.close()


def test_messages_of_any_make_come_whole(place: RabbitPlace, broker: RabbitBroker) -> None:
    sizes = [*range(1, 300), 4_000, 9_000, 500_000, *range(1, 300)]
    bodies = [f"{number:04}{'x' * size}" for number, size in enumerate(sizes)]
    consumer = broker.consumer(["a"])
    publish(broker, *bodies[:300])
    with channel_to(place) as channel:
        for body in (*bodies[300:302], ""):
            channel.basic_publish("", place.prefix + "a", body.encode())
    publish(broker, *bodies[302:])
    assert sorted(taken(consumer, len(bodies) + 1)) == sorted([*bodies, ""])
    consumer.close()


def test_what_is_foretold_is_on_its_way_at_once(broker: RabbitBroker) -> None:
    consumer = broker.consumer(["a"])
    broker.foretell([Message("a", "1")])
    assert taken(consumer, 1) == ["1"]


def test_nobody_fails_who_foretells_to_a_server_that_is_away(server: RabbitMQ, broker: RabbitBroker) -> None:
    server.kill()
    broker.foretell([Message("a", "1")])
    wait_until(lambda: not goes(broker, "lost"), what="the loss to be seen")
    broker.foretell([Message("a", "2")])
    server.start()
    wait_until(lambda: goes(broker, "3"), within_s=30, what="the connection to come back")
    assert set(taken(broker.consumer(["a"]), 1)) <= {"1", "lost", "3"}


def test_a_call_does_not_wait_for_a_server_that_is_away(server: RabbitMQ, broker: RabbitBroker) -> None:
    server.kill()
    wait_until(lambda: not goes(broker, "lost"), what="the loss to be seen")
    clock = RealClock()
    begun = clock.monotonic()
    for _ in range(100):
        assert not goes(broker, "lost")
    assert clock.monotonic() - begun < 1.0


def test_a_server_that_hangs_costs_a_bounded_wait(server: RabbitMQ, broker: RabbitBroker) -> None:
    server.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(Unavailable, match="did not answer within 3 s: publishing"):
            publish(broker, "1")
    finally:
        server.send_signal(signal.SIGCONT)
    wait_until(lambda: goes(broker, "2"), within_s=30, what="the server to answer again")
    assert broker.depths(["a"])["a"] >= 2


def test_a_server_without_memory_is_not_waited_for(server: RabbitMQ, broker: RabbitBroker) -> None:
    clock, consumer = RealClock(), broker.consumer(["a"])
    publish(broker, "1", "0", "0")
    server.control("set_vm_memory_high_watermark", "absolute", "1")
    try:
        wait_until(lambda: not goes(broker, "2"), what="the server to refuse")
        begun = clock.monotonic()
        for ask in (
            lambda: publish(broker, "2"), lambda: broker.depths(["a"]), lambda: broker.declare(["b"]), lambda: broker.purge("a"),
            lambda: broker.describe(["a"]),
        ):  # fmt: skip
            with pytest.raises(Unavailable, match=r"takes no messages just now: .*memory"):
                ask()
        assert clock.monotonic() - begun < 1.0
        assert taken(consumer, 1) == ["1"]
        wait_until(lambda: lies_with(consumer) == 1, what="what the server sends ahead")
        idle = broker.consumer(["a"])
        consumer.take(0)  # what was sent ahead goes to the others all the same
        assert taken(idle, 2) == ["0", "0"]
        idle.close()
    finally:
        server.control("set_vm_memory_high_watermark", "absolute", "2GB")
    wait_until(lambda: goes(broker, "3"), what="the server to take messages")
    consumer.close()


def test_a_consumer_is_rung_when_its_connection_is_lost(server: RabbitMQ, broker: RabbitBroker) -> None:
    consumer = broker.consumer(["a"])
    assert consumer.take(1) == []
    server.control("close_all_connections", "a test")
    with pytest.raises(Unavailable):
        taken(consumer, 1)
    consumer.close()
    wait_until(lambda: goes(broker, "1"), what="a new connection")


# -- queues that somebody deletes, and dead letters


def test_a_queue_that_was_deleted_is_made_anew_by_who_declared_it(place: RabbitPlace, broker: RabbitBroker) -> None:
    broker.declare(["b"])
    with channel_to(place) as channel:
        channel.queue_delete(place.prefix + "a")
    broker.publish([Message("a", "1"), Message("b", "2")])
    assert broker.depths(["a", "b"]) == {"a": 1, "b": 1}


def test_a_queue_of_which_a_consumer_was_told_that_it_is_gone_is_made_anew_too(place: RabbitPlace, broker: RabbitBroker) -> None:
    tell_that_it_is_gone(place, broker, "a")
    publish(broker, "1")
    assert broker.depths(["a"]) == {"a": 1}


def test_a_queue_that_somebody_else_deleted_holds_nothing_else_up(place: RabbitPlace, broker: RabbitBroker) -> None:
    broker.declare(["b"])
    other = RabbitBroker(place, RealClock())
    other.publish([Message("a", "0"), Message("b", "0")])
    with channel_to(place) as channel:
        channel.queue_delete(place.prefix + "a")
    with pytest.raises(QueueMissing, match="queue a is not declared, all else was sent") as refusal:
        other.publish([Message("a", "1"), Message("b", "2")])
    other.close()
    assert refusal.value.queues == ("a",)
    assert broker.depths(["b"]) == {"b": 2}


def test_a_consumer_of_a_deleted_queue_is_told(place: RabbitPlace, broker: RabbitBroker) -> None:
    tell_that_it_is_gone(place, broker, "a")
    broker.declare(["a"])
    publish(broker, "1")
    again = broker.consumer(["a"])
    assert taken(again, 1) == ["1"]
    again.close()


def test_a_consumer_that_lost_one_queue_keeps_nothing_of_the_others(place: RabbitPlace, broker: RabbitBroker) -> None:
    broker.declare(["b"])
    consumer = broker.consumer(["a", "b"])
    assert consumer.take(2) == []
    with channel_to(place) as channel:
        channel.queue_delete(place.prefix + "a")
    with pytest.raises(BrokerError, match="deleted"):
        taken(consumer, 1)
    consumer.close()
    again = broker.consumer(["b"])
    publish(broker, "1", "2", "3", "4", queue="b")
    assert sorted(taken(again, 4)) == ["1", "2", "3", "4"]
    again.close()


def test_an_exchange_that_was_deleted_is_made_anew(place: RabbitPlace, broker: RabbitBroker) -> None:
    broker.route([Queue(MANAGED_EXCHANGE, "routed", "by_this_key")])
    broker.declare(["routed"])
    publish(broker, "1", queue="routed")
    with channel_to(place) as channel:
        channel.exchange_delete(place.prefix + MANAGED_EXCHANGE)
    publish(broker, "2", queue="routed")
    assert broker.depths(["routed"]) == {"routed": 2}


def test_messages_go_by_the_exchange_and_the_key_of_the_context(place: RabbitPlace, broker: RabbitBroker) -> None:
    broker.route([Queue(MANAGED_EXCHANGE, "routed", "by_this_key")])
    broker.declare(["routed"])
    with channel_to(place) as channel:
        channel.basic_publish(place.prefix + MANAGED_EXCHANGE, place.prefix + "by_this_key", b"from elsewhere")
    consumer = broker.consumer(["routed"])
    assert taken(consumer, 1) == ["from elsewhere"]
    consumer.close()


def test_a_message_that_kills_its_consumers_becomes_a_dead_letter(place: RabbitPlace) -> None:
    fragile = replace(place, delivery_limit=2)
    broker = RabbitBroker(fragile, RealClock())
    broker.declare(["a"])
    publish(broker, "poison")
    for _ in range(3):
        child = started(fragile, 1, "hold")
        assert child.stdout
        assert child.stdout.readline().strip() == "poison"
        child.kill()
        child.communicate()
    wait_until(lambda: broker.depths([DEAD_QUEUE]) == {DEAD_QUEUE: 1}, what="a dead letter")
    assert broker.depths(["a"]) == {"a": 0}
    assert broker.describe(["a"]).dead == {DEAD_QUEUE: 1}
    broker.close()


def test_a_queue_of_another_type_is_refused_with_what_to_do(place: RabbitPlace, broker: RabbitBroker) -> None:
    other = RabbitBroker(replace(place, queue_type="classic"), RealClock())
    with pytest.raises(BrokerError, match=r"with other properties.*delete it"):
        other.declare(["a"])
    assert set(other.describe(["a"]).differing) == {"a"}
    other.close()


def test_a_queue_of_another_limit_is_refused_and_those_after_it_are_declared(place: RabbitPlace, broker: RabbitBroker) -> None:
    other = RabbitBroker(replace(place, delivery_limit=20), RealClock())
    with pytest.raises(BrokerError, match=r"x-delivery-limit.*\?delivery_limit="):
        other.declare(["a", "new"])
    publish(other, "1", queue="new")
    other.close()
    assert broker.depths(["new"]) == {"new": 1}


def test_what_is_kept_on_the_server_is_durable(server: RabbitMQ, place: RabbitPlace, broker: RabbitBroker) -> None:
    rows = [line.split("\t") for line in server.control("list_queues", "name", "durable", "type").splitlines()]
    ours = {name: (durable, kind) for name, durable, kind in rows if name.startswith(place.prefix)}
    assert {name.removeprefix(place.prefix) for name in ours} == {"a", "a" + URGENT_END, DEAD_QUEUE}
    assert set(ours.values()) == {("true", "quorum")}


# -- who may not come in


def refusal_of(place: RabbitPlace) -> HorariumError:
    broker = RabbitBroker(place, RealClock())
    with pytest.raises(HorariumError) as refusal:
        broker.prepare()
    broker.close()
    return refusal.value


def test_a_wrong_password_is_told_apart_and_never_shown(place: RabbitPlace) -> None:
    refusal = refusal_of(replace(place, password="geheim"))
    assert type(refusal) is BrokerError
    assert "refuses this user or password" in str(refusal)
    assert "geheim" not in str(refusal)


def test_a_missing_vhost_is_told_with_the_command_that_makes_it(place: RabbitPlace) -> None:
    refusal = refusal_of(replace(place, vhost="nowhere"))
    assert type(refusal) is BrokerError
    assert "rabbitmqctl add_vhost nowhere" in str(refusal)


def test_a_server_that_is_away_is_told_with_the_reason() -> None:
    refusal = refusal_of(place_of("amqp://ann:geheim@127.0.0.1:1/"))
    assert type(refusal) is BrokerAway
    assert "connection refused" in str(refusal)


def test_a_connection_comes_about_after_a_box_had_no_descriptor_left_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = RabbitBroker(place_of("amqp://ann:geheim@127.0.0.1:1/?wait_s=3"), RealClock())
    with monkeypatch.context() as patch:
        patch.setattr("pika.adapters.utils.connection_workflow.socket", NoneLeft())
        with pytest.raises(BrokerAway, match="too many open files"):
            broker.prepare()

    def is_tried_again() -> bool:
        with pytest.raises(BrokerAway) as refusal:
            broker.prepare()
        return "connection refused" in str(refusal.value)

    wait_until(is_tried_again, within_s=10, what="another try")
    broker.close()


class NoneLeft:
    """The module of sockets on a box that has no descriptors left."""

    def __getattr__(self, name: str) -> object:
        return getattr(socket, name)

    def socket(self, *_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")


def test_a_host_that_nobody_knows_is_told_with_the_reason() -> None:
    refusal = refusal_of(place_of("amqp://nowhere.invalid/"))
    assert type(refusal) is BrokerAway
    assert "nowhere.invalid" in str(refusal)


def test_a_place_that_does_not_speak_tls_is_told(place: RabbitPlace) -> None:
    refusal = refusal_of(replace(place, is_tls=True))
    assert "TLS" in str(refusal)


