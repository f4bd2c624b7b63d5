"""Is a password out of sight wherever a text may go?"""

from __future__ import annotations

import logging

import pytest

from system.hidden import has_password, hide
from system.logs import LineFormatter

URLS = [
    ("mongodb://ann:secret@db/x", "mongodb://ann:***@db/x"),
    ("amqp://:secret@mq", "amqp://:***@mq"),
    ("postgresql+psycopg://ann:se@c/re:t@db/x", "postgresql+psycopg://ann:***@db/x"),
    ("can't reach 'mysql://a:sec'ret@db/x': no", "can't reach 'mysql://a:***@db/x': no"),
    ("mongodb://db/?password=secret&tls=true", "mongodb://db/?password=***&tls=true"),
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
