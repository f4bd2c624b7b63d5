"""How does the simulation run here? Quietly, but for a history that was asked for by its seed."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture
def seed(pytestconfig: pytest.Config) -> int | None:
    """The one history that was asked for."""
    found: int | None = pytestconfig.getoption("--seed")
    return found


@pytest.fixture(autouse=True)
def _quiet(pytestconfig: pytest.Config) -> Iterator[None]:
    if pytestconfig.getoption("--seed") is None:
        logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
