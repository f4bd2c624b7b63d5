"""What does somebody type into forms and addresses, and is it read strictly?"""

from __future__ import annotations

import pytest
from flask import Flask

from mx import forms
from mx.forms import BadForm, Pager


@pytest.fixture
def app() -> Flask:
    """An app without pages."""
    return Flask("bare")


@pytest.mark.parametrize(
    ("address", "expected"), [("/?n=7", 7), ("/?n=-1", 3), ("/?n=x", 3), ("/?n=٣", 3), ("/", 3), ("/?n=0", 1), ("/?n=999", 50)]
)
def test_a_number_of_the_address_stays_within_its_bounds(app: Flask, address: str, expected: int) -> None:
    with app.test_request_context(address):
        assert forms.number("n", 3, least=1, most=50) == expected


def test_words_are_cut_and_their_spaces_made_single(app: Flask) -> None:
    with app.test_request_context("/", query_string={"q": "  a \t b\n" + "x" * 300}):
        assert forms.words() == ("a b " + "x" * 300)[:200]


@pytest.mark.parametrize(("text", "said"), [("", "the reason is empty"), ("  ", "the reason is empty"), ("x" * 1_001, "1,001 characters")])
def test_a_reason_must_be_said_and_short(app: Flask, text: str, said: str) -> None:
    with app.test_request_context("/", method="POST", data={"reason": text}), pytest.raises(BadForm, match=said):
        forms.reason()


@pytest.mark.parametrize("elsewhere", [
    "//evil/triggers", "https://evil/triggers", "/triggersx", "/logs", "/triggers\\x", "/triggers?told=3", "",
    "/triggers?\r\nSet-Cookie: a",
])  # fmt: skip
def test_a_form_leads_back_to_the_page_that_it_is_on(app: Flask, elsewhere: str) -> None:
    with app.test_request_context("/", method="POST", data={"back": elsewhere}):
        assert forms.place("/triggers") == "/triggers"
    with app.test_request_context("/", method="POST", data={"back": "/triggers?q=a&page=2"}):
        assert forms.place("/triggers") == "/triggers?q=a&page=2"


def test_a_list_knows_its_neighbours(app: Flask) -> None:
    with app.test_request_context("/triggers?q=a&page=2&told=3&fragment=1"):
        middle, last, none = Pager(2, 120), Pager(3, 120), Pager(1, 0)
        assert (middle.first, middle.last, middle.before, middle.after) == (51, 100, "/triggers?q=a&page=1", "/triggers?q=a&page=3")
        assert (last.first, last.last, last.after) == (101, 120, "")
        assert (none.first, none.last, none.before, none.after) == (0, 0, "", "")
        assert forms.told() == [3]
