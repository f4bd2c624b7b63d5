"""Is a part that many read rendered once a moment?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock, Semaphore

import pytest

from mx.errors import Unusable
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


class Heard:
    """A lock that tells of each who comes to it."""

    def __init__(self, lock: Lock) -> None:
        self._lock, self.waiting = lock, Semaphore(0)

    def __enter__(self) -> None:
        self.waiting.release()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_those_who_wait_while_the_store_is_away_share_what_comes_of_it() -> None:
    fragments, made, hung, tries = Fragments(ManualClock().monotonic), list[int](), Event(), Semaphore(0)

    def render() -> str:
        made.append(1)
        tries.release()
        hung.wait(30)
        raise Unusable("the store has not answered")

    def ask() -> str:
        try:
            return fragments.get("a", render)
        except Unusable as error:
            return str(error)

    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(ask)
        assert tries.acquire(timeout=30)
        kept = fragments._kept["a"]
        kept.lock = Heard(kept.lock)  # type: ignore[assignment]
        others = [pool.submit(ask) for _ in range(7)]
        assert all(kept.lock.waiting.acquire(timeout=30) for _ in others)  # type: ignore[attr-defined]
        hung.set()
        assert {each.result(30) for each in (first, *others)} == {"the store has not answered"}
    assert len(made) == 2


def test_what_took_long_to_render_is_fresh_when_it_is_there() -> None:
    clock, made = ManualClock(), list[int]()
    fragments = Fragments(clock.monotonic, fresh_s=1.0)

    def render() -> str:
        made.append(1)
        clock.sleep(5)
        return "slow"

    assert [fragments.get("a", render), fragments.get("a", render), len(made)] == ["slow", "slow", 1]


def test_only_so_many_views_are_kept() -> None:
    fragments = Fragments(ManualClock().monotonic)
    for at in range(1000):
        fragments.get(at, lambda at=at: str(at))  # type: ignore[misc]
    assert len(fragments._kept) == 256
