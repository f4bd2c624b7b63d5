"""Does a visit of a site find its pages by their links, a few of each kind, and those links that lead nowhere?"""

from __future__ import annotations

import pytest
from werkzeug.routing import Map, Rule

from tests.support.site import PER_KIND, Walk, links_of

READ = ["GET"]
ROUTES = Map([
    Rule("/", endpoint="home", methods=READ), Rule("/job/<name>", endpoint="job", methods=READ),
    Rule("/lost", endpoint="lost", methods=READ), Rule("/do", methods=["POST"]),
])  # fmt: skip
JOBS = "".join(f'<a href="/job/{n}#top">{n}</a>' for n in range(9))
LINKS = '<a href="/job/1?page=2">x</a><a href="/nowhere">x</a><a href="https://elsewhere.test/">x</a>'
SITE = {"/": JOBS + LINKS, "/job/0": '<a href="?page=3">x</a>'}


def fetch(path: str) -> tuple[int, str, str]:
    return (500, "", "") if path == "/job/1" else (200, "text/html", SITE.get(path, ""))


@pytest.fixture
def walk() -> Walk:
    found = Walk(fetch, ROUTES)
    found.walk()
    return found


def test_a_few_of_each_kind_are_found_and_a_query_makes_another_kind(walk: Walk) -> None:
    assert walk.kinds[("job", ())] == ["/job/0", "/job/1"][:PER_KIND]
    assert walk.kinds[("job", ("page",))] == ["/job/1?page=2", "/job/0?page=3"][:PER_KIND]


def test_links_that_lead_nowhere_are_found_with_where_they_stand(walk: Walk) -> None:
    assert sorted(walk.broken) == ["/job/1, linked by /: 500", "/nowhere, linked by /: there is no such page"]


def test_pages_without_a_link_are_found(walk: Walk) -> None:
    assert walk.not_reached() == ["/lost"]


@pytest.mark.parametrize(("href", "path"), [("b", "/a/b"), ("/x?q=1#z", "/x?q=1"), ("?q", "/a/?q"), ("mailto:a@b.test", "")])
def test_a_link_is_read_as_a_browser_reads_it(href: str, path: str) -> None:
    assert list(links_of(f'<a href="{href}">x</a>', "/a/")) == ([path] if path else [])
