"""Is a cursor what it was when it was handed out? And refused, with what to do, where it is of another list or of nobody's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mx.api.paging import cursor_of, page_after, place_of
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


NAMES = [f"p{number}" for number in range(10)]


def fetched(names: list[str]) -> Callable[[int, int], tuple[list[str], int]]:
    """Return what gets some of `names` by number."""
    return lambda first, count: (names[first : first + count], len(names))


def test_a_list_that_is_got_by_number_is_read_page_by_page() -> None:
    found: list[str] = []
    cursor = ""
    for _ in range(4):
        rows, cursor = page_after(fetched(NAMES), str, cursor, {}, 3)
        found += rows
    assert (found, cursor) == (NAMES, "")


@pytest.mark.parametrize(
    ("then", "second"),
    [
        (["new", *NAMES], ["p3", "p4"]),  # one more before the place
        (NAMES[1:], ["p3", "p4"]),  # one less
        (["p0", "p1", *NAMES[3:]], ["p3", "p4"]),  # the row of the place itself is gone
        (NAMES[:3], []),
    ],
)
def test_a_page_goes_on_after_the_row_before_wherever_that_stands_now(then: list[str], second: list[str]) -> None:
    rows, cursor = page_after(fetched(NAMES), str, "", {}, 3)
    assert rows == ("p0", "p1", "p2")
    assert list(page_after(fetched(then), str, cursor, {}, 2)[0]) == second
