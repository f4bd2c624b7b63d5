"""Which arguments may a page show?"""

from __future__ import annotations

import pytest

from launcher.web.hiding import shown_arguments, shown_json
from launcher.web.process import shown_argument


@pytest.mark.parametrize("name", ["password", "db_password", "passwd", "PWD", "token", "api_key", "apiKey", "client_secret", "private_key"])
def test_what_is_named_like_a_secret_is_hidden(name: str) -> None:
    assert shown_arguments({name: "hunter2"}) == {name: '"***"'}


def test_a_secret_is_hidden_at_any_depth_and_in_urls() -> None:
    found = shown_arguments({"to": {"user": "a", "password": "hunter2"}, "from": ["postgresql://a:hunter2@b/c"], "token": ["hunter2"]})
    assert "hunter2" not in str(found)
    assert found["from"] == '["postgresql://a:***@b/c"]'


def test_what_is_registered_of_a_process_hides_secrets_in_lists_too() -> None:
    assert shown_argument("targets", [{"host": "db1", "password": "hunter2"}]) == "[{'host': 'db1', 'password': '***'}]"
    assert len(shown_argument("text", "a" * 1_000)) == 503


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"arguments": {"api_key": "hunter2", "n": 5}}', '{"arguments": {"api_key": "***", "n": 5}}'),
        ('{"planned":  1}', '{"planned":  1}'),
        ("at postgresql://a:hunter2@b/c", "at postgresql://a:***@b/c"),
        ("", ""),
    ],
)
def test_json_is_shown_without_secrets(text: str, shown: str) -> None:
    assert shown_json(text) == shown


def test_the_rest_is_shown_as_json() -> None:
    assert shown_arguments({"table": "a", "limit": 5, "since": None, "compass": "n", "token": ""}) == {
        "table": '"a"', "limit": "5", "since": "null", "compass": '"n"', "token": '""'
    }  # fmt: skip
