"""What becomes of a look at a range when another file takes the store's place in the middle of it?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import cast

import pytest

from db.sql import SqlStore
from launcher.web.audit_looks import Key, Looks
from scheduler.audit import ORDER, Finding
from scheduler.audit_range import PAGE, Audit, RangeAudit, Span
from tests.support.lamp import NOW
from tests.support.mx import web_desk

KEY: Key = ("sales_hourly", None, None)


class Auditor:
    """Finds one thing on each of three pages; `meanwhile` happens while it reads the second one."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        self.pages = 0
        self._meanwhile = meanwhile

    def spans(self, names: Iterable[str], *_: object) -> list[Span]:
        return [Span(name, 0, 3 * PAGE) for name in names]

    def look(self, spans: Iterable[Span], now: datetime) -> Audit:
        self.pages += 1
        if self.pages == 2:
            self._meanwhile()
        return Audit(findings=[Finding(span.process, "2013010100", ORDER, f"seen at {now}", (), "") for span in spans])


def looked(looks: Looks, auditor: Auditor) -> tuple[str, int]:
    """Return the fault and the findings of a look, once it has ended."""
    found = looks.look(KEY, ["sales_hourly"], cast("RangeAudit", auditor), anew=False)
    assert found.done.wait(10)
    return found.fault, sum(found.shown(10).counts.values())


def test_a_look_in_which_the_store_was_replaced_ends_and_says_so_and_the_next_one_begins_anew() -> None:
    looks = Looks(lambda: NOW)
    auditor = Auditor(looks.forget)
    fault, _ = looked(looks, auditor)
    assert (fault, auditor.pages) == ("another file took the place of the store meanwhile: look again", 2)
    assert looked(looks, Auditor(lambda: None)) == ("", 3)
    looks.close()


def test_a_look_that_ended_before_is_not_shown_for_the_other_store() -> None:
    looks = Looks(lambda: NOW)
    assert looked(looks, Auditor(lambda: None)) == ("", 3)
    looks.forget()
    second = Auditor(lambda: None)
    assert looked(looks, second) == ("", 3)
    assert second.pages == 3
    looks.close()


def test_the_dashboard_has_its_looks_forgotten_when_it_goes_by_another_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "context.py").write_text("CONTEXT = {}\n")
    forgotten: list[str] = []
    monkeypatch.setattr(Looks, "forget", lambda _: forgotten.append("all"))
    with web_desk(tmp_path, tmp_path / "context.py") as desk:
        desk.parts.asker.ask(lambda: desk.parts.store)
        assert not forgotten
        monkeypatch.setattr(SqlStore, "renew", lambda _: True)
        desk.parts.asker.ask(lambda: desk.parts.store)
    assert forgotten
