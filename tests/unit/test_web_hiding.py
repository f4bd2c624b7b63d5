"""Which arguments may a page show?"""

from __future__ import annotations

import pytest

from launcher.web.hiding import shown_arguments


@pytest.mark.parametrize("name", ["password", "db_password", "passwd", "PWD", "token", "api_key", "apiKey", "client_secret", "private_key"])
def test_what_is_named_like_a_secret_is_hidden(name: str) -> None:
    assert shown_arguments({name: "hunter2"}) == {name: '"***"'}


def test_a_secret_is_hidden_at_any_depth_and_in_urls() -> None:
    found = shown_arguments({"to": {"user": "a", "password": "hunter2"}, "from": ["postgresql://a:hunter2@b/c"], "token": ["hunter2"]})
    assert "hunter2" not in str(found)
    assert found["from"] == '["postgresql://a:***@b/c"]'


def test_the_rest_is_shown_as_json() -> None:
    assert shown_arguments({"table": "a", "limit": 5, "since": None, "compass": "n", "token": ""}) == {
        "table": '"a"', "limit": "5", "since": "null", "compass": '"n"', "token": '""'
    }  # fmt: skip
