"""How long did runs take, beside what is usual? Bars of one scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 640


@dataclass(frozen=True, slots=True)
class Beside:
    """One run as a bar, with the median and the longest but the worst tenth as marks; None where they are not known."""

    bar: float | None
    p50: float | None
    p90: float | None


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a row of runs: `at` numbers them."""

    at: int
    x: float
    height: float


@dataclass(frozen=True, slots=True)
class Row:
    """Runs side by side from the oldest to the newest, with two lines across; `top_s` is what the whole height stands for."""

    width: float
    step: float
    bars: tuple[Bar, ...]
    p50: float | None
    p90: float | None
    top_s: float


def beside(seconds: float | None, p50_s: float | None, p90_s: float | None, width: float = WIDTH) -> Beside:
    """Return one run beside what is usual, from 0 at the left."""
    known = [each for each in (seconds, p50_s, p90_s) if each is not None]
    scale = width / (max(known, default=1.0) * 1.08 or 1.0)
    bar, p50, p90 = (None if each is None else round(each * scale, 1) for each in (seconds, p50_s, p90_s))
    return Beside(bar, p50, p90)


def row(seconds: Sequence[float | None], p50_s: float | None, p90_s: float | None, *, height: float = 120, width: float = WIDTH) -> Row:
    """Return runs as bars, those without a duration as gaps."""
    top_s = max([each for each in (*seconds, p50_s, p90_s) if each is not None], default=0.0) * 1.1 or 1.0
    step = min(28.0, width / max(1, len(seconds)))
    bars = [Bar(at, round(at * step, 1), max(1.5, round(each / top_s * height, 1))) for at, each in enumerate(seconds) if each is not None]
    p50, p90 = (None if each is None else round(height - each / top_s * height, 1) for each in (p50_s, p90_s))
    return Row(round(step * len(seconds), 1), step, tuple(bars), p50, p90, top_s)
