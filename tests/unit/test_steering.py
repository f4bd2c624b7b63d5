"""What do commands touch that only look?"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from launcher.steering import deployment
from system.errors import BrokerError
from tests.support.lamp import Lamp, january
from tests.support.pretended_roof import LampRoof


def test_a_look_declares_nothing_to_the_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    lamp = Lamp(january(("hourly",)))

    def declare(queues: Sequence[str]) -> None:
        raise BrokerError(f"may declare no {queues}")

    monkeypatch.setattr(lamp.broker, "declare", declare)
    with deployment(LampRoof(lamp)) as found:
        assert found.desk.health().leader == "scheduler-1"
