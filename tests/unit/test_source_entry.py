"""What may the source of a process be?"""

from __future__ import annotations

import pytest

from system.context import source_entry
from system.source_entry import SourceEntry, source_fault, source_of


def test_a_text_and_an_entry_say_the_same() -> None:
    text = "postgresql://me@box/shop#table=orders&time=placed_at&key=id"
    assert source_of(text) == source_entry("postgresql://me@box/shop", "orders", "placed_at", "id")


def test_a_password_is_never_shown() -> None:
    entry = source_entry("postgresql://me:secret@box/shop", "orders", "placed_at")
    assert "secret" not in repr(entry)
    assert "secret" not in source_fault("postgresql://me:secret@box/shop")
    assert "secret" not in source_fault(SourceEntry("postgresql://me:secret@box/shop", "", "at"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "source is missing"),
        (5, "names no table"),
        ("sqlite:///x.db", "names no table"),
        ("sqlite:///x.db#table=a&tiem=b", "'tiem' is unknown: use table, time, key"),
        ("ftp://x#table=a&time=b", "its URL names none of sqlite, postgresql, mysql, mongodb"),
        ("sqlite:///x.db#time=b", "it names no table"),
        ("sqlite:///x.db#table=a", "it names no time column"),
        (SourceEntry("sqlite:///x.db", "a", 5), "time is no text"),  # type: ignore[arg-type]
    ],
)
def test_a_faulty_source_is_told(given: object, words: str) -> None:
    assert words in source_fault(given)
