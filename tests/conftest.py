"""Which options do the tests add to pytest?"""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=None, metavar="N", help="play history number N of the simulation, and nothing else")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests that play one history, where one was asked for: those that ask for its `seed`."""
    if config.getoption("--seed") is None:
        return
    asked = [item for item in items if "seed" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=[item for item in items if item not in asked])
    items[:] = asked
