"""What do reports say, and how many does one turn take in?"""

from __future__ import annotations

import pytest

from mq.broker import Message
from mq.memory import MemoryBroker
from scheduler.inbox import Inbox
from scheduler.policy import SchedulerSettings
from system.context import REPORT_QUEUE
from system.lifecycle import JobState, UowState
from system.reports import MOST_NAMED, is_news, named_in, reports_on
from tests.support.lamp import Lamp, hours, january
from tests.support.workplace import Workplace, taking

IDS = [f"flights_hourly/{n}/1/1" for n in range(2 * MOST_NAMED + 1)]


def test_a_report_names_as_many_as_were_written_at_once_within_a_bound() -> None:
    texts = reports_on(IDS)
    assert [len(named_in(text)) for text in texts] == [MOST_NAMED, MOST_NAMED, 1]
    assert [uow_id for text in texts for uow_id in named_in(text)] == IDS
    assert texts[-1] == IDS[-1]


def test_nothing_is_said_of_nothing() -> None:
    assert reports_on([]) == []
    assert named_in("") == []


@pytest.mark.parametrize("text", ["session:worker-1", "command:7", "turn:12"])
def test_other_news_name_no_unit_of_work(text: str) -> None:
    assert (is_news(text), named_in(text)) == (True, [])
    assert not is_news(IDS[0])


def test_a_worker_says_in_one_message_what_it_wrote_in_one_call() -> None:
    place = Workplace(taking(1.0))
    ids = place.open(2)
    place.turn()
    place.go_on(1.0)
    assert {place.state(uow_id) for uow_id in ids} == {UowState.PROCESSED}
    assert place.broker.depths([REPORT_QUEUE]) == {REPORT_QUEUE: 1}
    assert sorted(place.reports()) == sorted(ids)


def reported(*texts: str) -> MemoryBroker:
    """Return a broker with reports."""
    broker = MemoryBroker()
    broker.declare([REPORT_QUEUE])
    broker.publish([Message(REPORT_QUEUE, text) for text in texts])
    return broker


def test_a_batch_ends_where_enough_is_named_and_the_next_one_goes_on_there() -> None:
    inbox = Inbox(reported("a b", "c d", "e", "session:x", "f"), 3)
    batches = []
    while batch := inbox.take():
        batches.append([delivery.body for delivery in batch])
        inbox.acknowledge(batch)
    assert batches == [["a b", "c d"], ["e"], ["session:x", "f"]]
    assert not inbox.has_more


def test_what_was_taken_and_is_left_for_the_next_batch_comes_back_when_the_inbox_is_closed() -> None:
    broker = reported("a b", "c d", "e f")
    inbox = Inbox(broker, 3)
    inbox.acknowledge(inbox.take())
    assert inbox.has_more
    inbox.close()
    assert (inbox.has_more, broker.depths([REPORT_QUEUE])) == (False, {REPORT_QUEUE: 1})
    assert [delivery.body for delivery in inbox.take()] == ["e f"]


def test_a_turn_that_left_reports_wants_the_next_one_at_once() -> None:
    lamp = Lamp(january(("hourly",)), SchedulerSettings(reports=2))
    lamp.turn()
    for claim in lamp.claim(*hours(4)):
        lamp.finish(claim, report=False)
    lamp.broker.publish([Message(REPORT_QUEUE, text) for text in (" ".join(hours(4)[:2]), " ".join(hours(4)[2:]))])
    waits, finished = [], []
    for _ in range(2):
        waits.append(lamp.turn())
        finished.append([hour for hour in range(4) if lamp.state("flights_hourly", f"20130101{hour:02}") is JobState.PROCESSED])
    assert (waits[0], finished) == (0.0, [[0, 1], [0, 1, 2, 3]])
