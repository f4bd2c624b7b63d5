"""What do the browser tests share? One deployment and one browser for all of them; each test gets a visitor of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support.browser import Visitor, browsing
from tests.support.flights_run import loaded_source
from tests.support.tour import Tour

Visit = Callable[..., Visitor]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser."""
    with browsing() as browser:
        yield browser


@pytest.fixture(scope="session")
def tour(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tour]:
    """The deployment; everything it should have done is done. Asked for after the browser: without one nothing is started."""
    made = Tour(tmp_path_factory.mktemp("tour"), loaded_source(tmp_path_factory.mktemp("flights")))
    try:
        made.start()
        made.run.launch("job", "reprocess", "weather_hourly", "2013010100", "--why", "something to look at")
        yield made
    finally:
        made.close()


@pytest.fixture
def visit(chromium: Browser, tour: Tour) -> Iterator[Visit]:
    """Makes visitors of the deployment's dashboard; in the end their consoles must have been silent."""
    made: list[Visitor] = []

    def enter(site: str = "", **how: Any) -> Visitor:
        made.append(Visitor(chromium, site or tour.site, **how))
        return made[-1]

    yield enter
    said = [line for each in made for line in each.said]
    for each in made:
        each.leave()
    assert said == [], "the browser's console must be silent"
