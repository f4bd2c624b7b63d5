"""Do scheduler and worker say of themselves what the metrics need? In the facts of their beats."""

from __future__ import annotations

from db.model import Outcome
from scheduler.tally import tally_of
from system.lifecycle import UowEvent
from tests.support.lamp import NOW, Lamp, hours, january
from workers.outbox import Outbox


def test_an_outbox_counts_the_outcomes_that_the_fence_refused() -> None:
    lamp = Lamp(january(("hourly",)))
    lamp.turn()
    uow = lamp.claim(hours(1)[0])[0]
    outbox = Outbox(lamp.store, lamp.broker)
    for fence in (uow.fence + 1, uow.fence):
        outbox.add_outcome(Outcome(uow.id, uow.session, fence, UowEvent.DONE, NOW))
        outbox.write()
    assert outbox.fenced == 1


def test_facts_of_another_version_tell_of_no_rounds() -> None:
    assert tally_of("") is None
