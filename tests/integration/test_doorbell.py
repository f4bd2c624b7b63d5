"""Do doorbells wake consumers across processes, and is a killed consumer's hand opened? With real processes and a real file."""

from __future__ import annotations

import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from mq.broker import Broker, Consumer, Message
from mq.doorbell import Belfry
from mq.embedded import EmbeddedBroker
from mq.urls import open_broker
from system.errors import BrokerError, ConfigError
from system.sqlfile import SqlFile
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
PATIENCE_S = 10.0

# What the other process does, after it has opened the same queue in the folder that it is given.
OPEN = """
import sys
from pathlib import Path
from mq.broker import Message
from mq.urls import open_broker
from system.sqlfile import SqlFile
var = Path(sys.argv[1])
broker = open_broker("embedded:", file=SqlFile(var / "queue.db"), var=var)
"""
HOLD = OPEN + "consumer = broker.consumer(['a'])\nprint(len(consumer.take(2)), flush=True)\nsys.stdin.read()"
PUBLISH = OPEN + "sys.stdin.readline()\nbroker.publish([Message('a', 'from afar')])"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[SqlFile]:
    opened = SqlFile(tmp_path / "queue.db")
    yield opened
    opened.close()


@pytest.fixture
def broker(file: SqlFile, tmp_path: Path) -> Iterator[Broker]:
    opened = open_broker("embedded:", file=file, var=tmp_path)
    opened.prepare()
    opened.declare(["a", "b"])
    yield opened
    opened.close()


@pytest.fixture
def consumer(broker: Broker) -> Iterator[Consumer]:
    opened = broker.consumer(["a"])
    yield opened
    opened.close()


def other(code: str, var: Path) -> subprocess.Popen[str]:
    """Start another process that runs `code`."""
    return subprocess.Popen([sys.executable, "-c", code, str(var)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def is_rung(consumer: Consumer, within_s: float = 0.0) -> bool:
    return bool(select.select([consumer.fileno()], [], [], within_s)[0])


@pytest.fixture
def holder(broker: Broker, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds two of the three messages of queue a."""
    broker.publish([Message("a", str(n)) for n in range(3)])
    process = other(HOLD, tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "2\n"
    yield process
    kill(process)


# -- waking


def test_a_consumer_asleep_in_select_is_woken_by_another_process(consumer: Consumer, tmp_path: Path) -> None:
    publisher = other(PUBLISH, tmp_path)
    assert not is_rung(consumer)
    publisher.stdin.write("now\n")  # type: ignore[union-attr]
    publisher.stdin.flush()  # type: ignore[union-attr]
    assert is_rung(consumer, PATIENCE_S)
    assert [d.body for d in consumer.take(5)] == ["from afar"]
    publisher.communicate()


def test_the_bell_rings_after_the_commit(broker: Broker, consumer: Consumer) -> None:
    broker.publish([Message("a", "1")])
    assert is_rung(consumer)
    assert len(consumer.take(5)) == 1


def test_the_bell_is_quiet_once_all_was_taken(broker: Broker, consumer: Consumer) -> None:
    for _ in range(3):
        broker.publish([Message("a", "1")])
    consumer.take(5)
    assert not is_rung(consumer)


def test_the_bell_stays_rung_while_there_may_be_more(broker: Broker, consumer: Consumer) -> None:
    broker.publish([Message("a", str(n)) for n in range(3)])
    consumer.take(2)
    assert is_rung(consumer)
    consumer.take(2)
    assert not is_rung(consumer)


def test_other_queues_do_not_wake_a_consumer(broker: Broker, consumer: Consumer) -> None:
    broker.publish([Message("b", "1")])
    assert not is_rung(consumer)


def test_a_bell_that_nobody_answers_does_not_stop_publishers(broker: Broker, consumer: Consumer) -> None:
    for n in range(1000):
        broker.publish([Message("a", str(n))])
    assert len(consumer.take(2000)) == 1000


def test_closing_wakes_those_who_may_take_what_comes_back(broker: Broker, consumer: Consumer) -> None:
    broker.publish([Message("a", "1")])
    first = broker.consumer(["a"])
    assert (len(first.take(1)), consumer.take(1)) == (1, [])
    first.close()
    assert is_rung(consumer)


# -- dying


def test_a_living_consumer_keeps_what_it_holds(broker: Broker, consumer: Consumer, holder: subprocess.Popen[str]) -> None:
    assert broker.depths(["a"]) == {"a": 1}
    assert [d.body for d in consumer.take(5)] == ["2"]
    assert consumer.take(5) == []


def test_what_a_killed_consumer_held_counts_as_waiting(broker: Broker, holder: subprocess.Popen[str]) -> None:
    kill(holder)
    assert broker.depths(["a"]) == {"a": 3}


def test_what_a_killed_consumer_held_is_taken_by_another(consumer: Consumer, holder: subprocess.Popen[str]) -> None:
    assert len(consumer.take(5)) == 1
    kill(holder)
    assert [d.body for d in consumer.take(5)] == ["0", "1"]


def test_a_killed_consumers_bell_is_taken_down(broker: Broker, holder: subprocess.Popen[str], tmp_path: Path) -> None:
    assert len(list((tmp_path / "bells").iterdir())) == 2
    kill(holder)
    broker.depths(["a"])
    assert list((tmp_path / "bells").iterdir()) == []


def test_preparing_frees_what_the_dead_of_an_earlier_run_held(broker: Broker, holder: subprocess.Popen[str], file: SqlFile) -> None:
    kill(holder)
    broker.prepare()
    assert file.read(lambda conn: conn.exec_driver_sql("SELECT count(*) FROM message WHERE holder IS NULL").scalar()) == 3


def test_publishing_past_a_dead_bell_reaches_the_living(broker: Broker, consumer: Consumer, holder: subprocess.Popen[str]) -> None:
    kill(holder)
    broker.publish([Message("a", "new")])
    assert is_rung(consumer)


def test_an_acknowledgement_reaches_the_file_without_being_waited_for(broker: Broker, consumer: Consumer, file: SqlFile) -> None:
    broker.publish([Message("a", "1")])
    consumer.acknowledge(consumer.take(1))
    wait_until(lambda: file.read(lambda conn: conn.exec_driver_sql("SELECT count(*) FROM message").scalar()) == 0)


def test_an_idle_look_asks_the_file_once(broker: Broker, consumer: Consumer, file: SqlFile, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Mock(wraps=file.read)
    monkeypatch.setattr(file, "read", asked)
    assert consumer.take(1) == []
    assert asked.call_count == 1


# -- the folder


def test_bells_work_in_a_folder_deeper_than_a_sockets_address(broker: Broker, file: SqlFile, tmp_path: Path) -> None:
    deep = EmbeddedBroker(file, Belfry(tmp_path / ("d" * 80) / ("e" * 80)))
    consumer = deep.consumer(["a"])
    deep.publish([Message("a", "1")])
    assert is_rung(consumer)
    assert len(consumer.take(1)) == 1
    consumer.close()
    deep.close()


def test_a_folder_that_can_not_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file")
    with pytest.raises(BrokerError, match=r"the folder of doorbells .*var/bells can't be used: .*check its permissions"):
        Belfry(tmp_path / "var" / "bells")


def test_a_ring_that_fails_does_not_undo_what_was_published(broker: Broker, consumer: Consumer, tmp_path: Path) -> None:
    (tmp_path / "bells" / "stranger.queues").write_text("[")
    broker.publish([Message("a", "1")])
    assert len(consumer.take(1)) == 1


# -- URLs


def test_an_embedded_broker_without_an_sqlite_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="embedded: lives in an SQLite store"):
        open_broker("embedded:", file=None, var=tmp_path)


def test_an_unknown_broker_is_refused_without_showing_its_password(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="write embedded:") as caught:
        open_broker("kafka://ann:secret@host/", file=None, var=tmp_path)
    assert "secret" not in str(caught.value)
