"""Is a cursor what it was when it was handed out? And refused, with what to do, where it is of another list or of nobody's."""

from __future__ import annotations

import pytest

from mx.api.paging import cursor_of, place_of
from mx.api.problems import Refused

FILTERS: dict[str, object] = {"state": "processed", "processes": ["a"]}


def test_a_cursor_leads_back_to_its_place() -> None:
    assert place_of(cursor_of(["2026-01-01T00:00:00+00:00", "ä/b"], FILTERS), FILTERS, 2) == ["2026-01-01T00:00:00+00:00", "ä/b"]


def test_the_first_page_has_no_place() -> None:
    assert place_of("", FILTERS, 2) is None


@pytest.mark.parametrize("cursor", ["x", "!!!!", "W10", "bnVsbA", "e30", cursor_of([1], FILTERS), cursor_of([1, 2], {}), "é"])
def test_what_is_no_cursor_of_this_list_is_refused(cursor: str) -> None:
    with pytest.raises(Refused) as refused:
        place_of(cursor, FILTERS, 2)
    assert refused.value.code == 422
    assert "begin without one" in str(refused.value.description)
