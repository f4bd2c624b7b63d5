"""Is every page fit to be seen? Wide and narrow, light and dark, kept as pictures in var/screenshots; and for those who don't see it."""

from __future__ import annotations

import re
import urllib.request
from unittest.mock import Mock

import pytest

from mx.app import create_app
from mx.security.open_gate import OpenGate
from tests.browser.conftest import Visit
from tests.support.browser import DESK, PHONE, Visitor
from tests.support.site import Walk
from tests.support.tour import SCREENSHOTS, Tour

ROUTES = create_app(Mock(), OpenGate(), monotonic=lambda: 0.0).url_map
# What is no page of its own: parts, streams, files, and what only answers programs.
NO_PAGES = ("/static/", "/live", "/pulse", "/api/", "/openapi", "/metrics", "/healthz", "/readyz")
PAGES = sorted({str(r.endpoint) for r in ROUTES.iter_rules() if "GET" in (r.methods or ()) and not r.rule.startswith(NO_PAGES)})
LOOKS = [(size, theme) for size in (DESK, PHONE) for theme in ("light", "dark")]


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
    assert walk.broken == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_whole_in_every_look_and_for_everyone(page: str, walk: Walk, visit: Visit) -> None:
    samples = [paths[0] for (endpoint, _), paths in walk.kinds.items() if endpoint == page]
    assert samples, "no link leads here"
    visitor = visit()
    faults = [fault for number, path in enumerate(samples) for fault in faults_of(visitor, path, f"{page}-{number}")]
    assert faults == []


def faults_of(visitor: Visitor, path: str, name: str) -> list[str]:
    """Look at a page in every look, and keep the pictures."""
    found = [] if visitor.go(path) == 200 else [f"{path} is not answered"]
    for (width, height), theme in LOOKS:
        visitor.page.set_viewport_size({"width": width, "height": height})
        visitor.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        visitor.shoot(SCREENSHOTS / f"{re.sub(r'[^a-z0-9-]+', '-', name)}-{width}-{theme}.png")
        if visitor.overflow():
            found.append(f"{path} at {width}: wider than its window by {visitor.overflow()} pixels: {visitor.sticking_out()}")
        if width == DESK[0] or theme == "light":
            found += [f"{path} at {width}, {theme}: {complaint}" for complaint in visitor.complaints()]
    return found
