"""Is the page that lists all routes with their roles what the code has?"""

from __future__ import annotations

import pytest

from mx.security.route_check import Route
from scripts.routes import PAGE, current, table


@pytest.fixture(scope="module")
def made() -> str:
    return current()


def test_the_page_is_what_the_code_has(made: str) -> None:
    assert PAGE.read_text(encoding="utf-8") == made, "run scripts/routes.py"


def test_what_anybody_may_call_is_this_and_no_more(made: str) -> None:
    open_to_all = [line.split("|")[1].strip(" `") for line in made.splitlines() if line.endswith("| anybody |")]
    assert sorted(set(open_to_all)) == ["/healthz", "/login", "/logout", "/readyz", "/static/<path:filename>", "/welcome/<secret>"]


def test_a_route_is_a_row() -> None:
    assert table([Route("/a", "POST", "operator", "x.a")]).endswith("| `/a` | POST | operator |\n")
