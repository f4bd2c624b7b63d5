"""Is a password out of sight wherever a text may go?"""

from __future__ import annotations

import logging
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from system.hidden import has_password, hide
from system.logs import LineFormatter

URLS = [
    ("mongodb://ann:secret@db/x", "mongodb://ann:***@db/x"),
    ("amqp://:secret@mq", "amqp://:***@mq"),
    ("postgresql+psycopg://ann:se@c/re:t@db/x", "postgresql+psycopg://ann:***@db/x"),
    ("can't reach 'mysql://a:sec'ret@db/x': no", "can't reach 'mysql://a:***@db/x': no"),
    ("mongodb://db/?password=secret&tls=true", "mongodb://db/?password=***&tls=true"),
    ("://1-://a.b/x://ann:secret@db amqp://a:b@c", "://1-://a.b/x://ann:***@db amqp://a:***@c"),
]


@pytest.mark.parametrize(("text", "shown"), URLS)
def test_a_password_in_a_url_is_hidden(text: str, shown: str) -> None:
    assert hide(text) == shown
    assert has_password(text)


@pytest.mark.parametrize("text", ["sqlite:////srv/a.db", "embedded:", "mongodb://db:27017/x", "see ann@example.org", "password=x"])
def test_a_text_without_a_password_is_left_as_it_is(text: str) -> None:
    assert hide(text) == text
    assert not has_password(text)


def test_the_log_shows_no_password_not_even_in_a_traceback() -> None:
    try:
        raise OSError("mongodb://ann:secret@db is away")
    except OSError as error:
        record = logging.LogRecord("a", 20, "a.py", 1, "to %s", ("amqp://a:secret@b",), (OSError, error, error.__traceback__))
    record.url = "amqp://a:secret@b"
    line = LineFormatter("worker").format(record)
    assert "secret" not in line
    assert "a:***@b" in line


# As it was told by one pattern, which took seconds for what a job may well print.
_BY_ONE_PATTERN = re.compile(r"(?P<front>\b[a-zA-Z][\w+.-]*://[^\s:@/]*):\S*@")
_PARTS = st.sampled_from(["://", ":", "/", "@", "a", "B", "1", "_", ".", "+", "-", " ", "\n", "\u00a0", "é", "ß", "'", "a://", "b:c@"])


@given(st.lists(_PARTS, max_size=24).map("".join))
def test_as_much_is_hidden_as_one_pattern_would(text: str) -> None:
    assert hide(text) == _BY_ONE_PATTERN.sub(r"\g<front>:***@", text)


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "text",
    ["://" + "a." * 100_000, "a://b:" * 33_000, "a" * 100_000 + "://" + "a-" * 50_000 + "@", "://@" * 50_000, "a:" * 100_000 + "://@",
     "?token=" * 28_000 + "://"],
    ids=["dots", "users", "words", "signs", "colons", "tokens"],
)  # fmt: skip
def test_a_text_of_200000_characters_takes_no_time(text: str) -> None:
    assert len(hide(text)) <= len(text)
