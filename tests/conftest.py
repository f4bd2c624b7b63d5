"""Which options do the tests add to pytest?"""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=None, metavar="N", help="play history number N of the simulation alone, with its log")
