"""Is every page that a link leads to fit to be seen, wide and narrow, light and dark, and for those who don't see it?"""

from __future__ import annotations

import urllib.error
import urllib.request
from unittest.mock import Mock

import pytest

from db.memory import MemoryStore
from mx.app import create_app
from mx.security.entrance import Entrance
from mx.security.gate import Gate
from system.clock import RealClock
from tests.browser.conftest import Visit
from tests.support.gates import WITHOUT_LOGIN
from tests.support.looks import assert_fit
from tests.support.site import Walk
from tests.support.tour import Tour

ROUTES = create_app(Mock(), Gate(Entrance(MemoryStore(), RealClock(), WITHOUT_LOGIN)), monotonic=lambda: 0.0).url_map
# What is no page of its own: parts, streams, files, and what only answers programs. Those of a login are in test_login.py.
NO_PAGES = (
    "/audit.", "/job/<process>/<timeperiod>/printed", "/search",  # files to keep, a part that a script fetches, a form's answer (see VIEWS)
    "/static/", "/live", "/pulse", "/api/v1/", "/api/files/", "/metrics", "/healthz", "/readyz", "/login", "/welcome/",
)  # fmt: skip
PAGES = sorted({str(r.endpoint) for r in ROUTES.iter_rules() if "GET" in (r.methods or ()) and not r.rule.startswith(NO_PAGES)})
# What else is to be looked at: the same page with another query may be another page.
VIEWS = (
    "/timetable?at=", "/timetable?at=2013&tree=flights", "/timetable?at=201302", "/timetable?at=20130210", "/triggers?of=entries",
    "/search?q=2013021005", "/plan?verb=reprocess&process=flights_hourly&timeperiod=2013010100&until=2013030100",
    "/runs?process=flights_hourly", "/job/flights_daily/2013021000",
)  # fmt: skip


@pytest.fixture(scope="module")
def walk(tour: Tour) -> Walk:
    """A visit of all pages by their links."""

    def fetch(path: str) -> tuple[int, str, str]:
        try:
            with urllib.request.urlopen(tour.site + path, timeout=20) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, "", ""

    found = Walk(fetch, ROUTES)
    found.walk()
    return found


def test_no_link_leads_nowhere(walk: Walk) -> None:
    assert not walk.broken, "\n".join(walk.broken)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_whole_in_every_look_and_for_everyone(page: str, walk: Walk, visit: Visit) -> None:
    samples = [paths[0] for (endpoint, _), paths in walk.kinds.items() if endpoint == page]
    assert samples, "no link leads here"
    visitor = visit()
    path = samples[0]
    assert path not in walk.pages or visitor.go(path) == 200
    if path in walk.pages:  # a file that is downloaded has no looks
        assert_fit(visitor, page)


@pytest.mark.parametrize("path", VIEWS)
def test_further_views_of_pages_are_whole_too(path: str, visit: Visit) -> None:
    visitor = visit()
    assert visitor.go(path) == 200
    assert_fit(visitor, path)
