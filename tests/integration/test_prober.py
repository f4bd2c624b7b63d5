"""Does a source that hangs hold anybody up?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest

from db.source import Extent, MemorySource, Source
from scheduler.prober import ThreadProber
from scheduler.probing import Probed, Question
from system.clock import ManualClock
from system.source_entry import SourceEntry
from tests.support.waiting import wait_until

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
ENTRY = SourceEntry("memory:", "rows", "at")


class Hanging(MemorySource):
    """A source that answers once it is let go."""

    def __init__(self, gate: Event) -> None:
        super().__init__([(NOON, 1)])
        self._gate = gate

    def probe(self, start: datetime, end: datetime) -> Extent | None:
        self._gate.wait(30)
        return super().probe(start, end)


def question(process: str) -> Question:
    return Question((process, 1), NOON, NOON + timedelta(hours=1), is_closed=False)


@pytest.fixture
def gate() -> Iterator[Event]:
    """What hangs is let go at the end."""
    made = Event()
    yield made
    made.set()


def prober(gate: Event, clock: ManualClock, rung: list[bool]) -> ThreadProber:
    def opener(entry: SourceEntry) -> Source:
        return Hanging(gate) if entry.table == "hangs" else MemorySource([(NOON, 1)])

    entries = {"good": ENTRY, "bad": SourceEntry("memory:", "hangs", "at")}
    return ThreadProber(entries, opener, clock, 5.0, lambda: rung.append(True))


def test_a_source_that_hangs_is_away_after_its_time_and_the_others_go_on(gate: Event) -> None:
    clock, rung, found = ManualClock(), list[bool](), list[Probed]()
    asking = prober(gate, clock, rung)
    asking.ask([question("bad"), question("good")])
    wait_until(lambda: bool(rung), what="the good source answers")
    found += asking.answers()
    clock.sleep(5)
    found += asking.answers()
    assert found == [Probed(question("good"), Extent(1, 1, 1)), Probed(question("bad"), error="no answer for 5 s")]
    asking.close()


def test_what_a_source_says_too_late_is_dropped(gate: Event) -> None:
    clock, rung = ManualClock(), list[bool]()
    asking = prober(gate, clock, rung)
    asking.ask([question("bad")])
    clock.sleep(5)
    assert [probed.error for probed in asking.answers()] == ["no answer for 5 s"]
    gate.set()
    asking.ask([question("good")])
    wait_until(lambda: bool(rung), what="the good source answers")
    assert [probed.question.node[0] for probed in asking.answers()] == ["good"]
    asking.close()
