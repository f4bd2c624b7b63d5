"""Does the keeper's thread work while its scheduler leads, rest while it does not, and live on whatever goes wrong?"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from scheduler import housekeeping
from scheduler.housekeeping import Housekeeping
from system.archive import ArchiveError
from tests.support.kept import Shelf, finished_day, keeper_of
from tests.support.waiting import wait_until


@pytest.fixture(autouse=True)
def _brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "_FOLLOWING_S", 0.01)
    monkeypatch.setattr(housekeeping, "_TROUBLE_S", 0.01)


def test_old_records_go_only_while_the_scheduler_leads() -> None:
    lamp, shelf, leads = finished_day(), Shelf(), [False]
    lamp.clock.sleep(timedelta(days=30).total_seconds())
    keeping = Housekeeping(keeper_of(lamp, shelf), lamp.clock, lambda: leads[0])
    keeping.start()
    assert shelf.records == {}
    leads[0] = True
    wait_until(lambda: lamp.store.sizes()["jobs"] == 0)
    keeping.stop()
    assert len(shelf.ids("uow")) == 25


@pytest.mark.parametrize("error", [ArchiveError("the disk is full"), ValueError("a fault of ours")])
def test_what_goes_wrong_is_logged_and_tried_again(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    lamp = finished_day()
    lamp.clock.sleep(timedelta(days=30).total_seconds())

    class Full(Shelf):
        left = 3

        def append(self, kind: str, month: str, records: Sequence[Any]) -> None:
            self.left -= 1
            if self.left >= 0:
                raise error
            super().append(kind, month, records)

    shelf = Full()
    keeping = Housekeeping(keeper_of(lamp, shelf), lamp.clock, lambda: True)
    with caplog.at_level(logging.WARNING):
        keeping.start()
        wait_until(lambda: lamp.store.sizes()["jobs"] == 0)
        keeping.stop()
    assert len([line for line in caplog.messages if "old records stay for now" in line]) == 3
    assert len(shelf.ids("uow")) == 25
