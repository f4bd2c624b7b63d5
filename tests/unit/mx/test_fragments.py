"""Is a part that many read rendered once a moment?"""

from __future__ import annotations

import pytest

from mx.fragments import Fragments
from system.clock import ManualClock


def test_within_a_moment_it_is_rendered_once_and_later_again() -> None:
    clock, made = ManualClock(), list[int]()
    fragments = Fragments(clock.monotonic, fresh_s=1.0)

    def render() -> str:
        made.append(1)
        return f"<p>{len(made)}</p>"

    assert [fragments.get("a", render), fragments.get("a", render)] == ["<p>1</p>", "<p>1</p>"]
    clock.sleep(1.1)
    assert fragments.get("a", render) == "<p>2</p>"


def test_what_failed_is_not_kept() -> None:
    fragments = Fragments(ManualClock().monotonic)
    with pytest.raises(ValueError, match="broken"):
        fragments.get("a", lambda: (_ for _ in ()).throw(ValueError("broken")))
    assert fragments.get("a", lambda: "mended") == "mended"


def test_only_so_many_views_are_kept() -> None:
    fragments = Fragments(ManualClock().monotonic)
    for at in range(1000):
        fragments.get(at, lambda at=at: str(at))  # type: ignore[misc]
    assert len(fragments._kept) == 256
