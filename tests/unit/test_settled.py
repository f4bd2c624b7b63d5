"""Is what stays for good left alone by the collector, and let go all the same once nobody needs it?"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from weakref import ref

import pytest

from launcher.settled import settle


class Ring:
    """Something that only the collector can let go."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave the collector of the tests as it was."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_what_is_there_is_not_looked_at_again_until_more_was_loaded() -> None:
    ring = Ring()
    seen = ref(ring)
    settle()
    assert (gc.is_tracked(ring), any(each is ring for each in gc.get_objects())) == (True, False)
    del ring
    gc.collect()
    assert seen() is not None
    settle()
    assert seen() is None


def test_what_comes_and_goes_is_looked_at_in_larger_heaps() -> None:
    before = gc.get_threshold()
    settle()
    assert gc.get_threshold()[0] > before[0]
    assert gc.get_threshold()[1:] == before[1:]
