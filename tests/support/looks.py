"""Is a page fit to be seen? In each width and theme: a picture of it is kept, it fits into its window, and axe-core finds nothing grave."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.browser import DESK, PHONE, Theme, Visitor
from tests.support.flights_run import ROOT

SCREENSHOTS = ROOT / "var" / "screenshots"
THEMES: tuple[Theme, ...] = ("light", "dark")
LOOKS = [(size, theme) for size in (DESK, PHONE) for theme in THEMES]


def picture(name: str, width: int, theme: str) -> Path:
    """Return where the picture of a page is kept."""
    return SCREENSHOTS / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}-{width}-{theme}.png"


def assert_fit(visitor: Visitor, name: str) -> None:
    """Fail where anything is wrong with the page that a visitor is at, in any look."""
    found = "\n".join(_faults(visitor, name))
    assert not found, found


def _faults(visitor: Visitor, name: str) -> list[str]:
    found = []
    for (width, height), theme in LOOKS:
        visitor.page.set_viewport_size({"width": width, "height": height})
        visitor.page.emulate_media(color_scheme=theme)
        visitor.shoot(picture(name, width, theme))
        if visitor.overflow():
            found.append(f"{name} at {width}: wider than its window by {visitor.overflow()} pixels: {visitor.sticking_out()}")
        if (width == DESK[0]) == (theme == "light"):  # each width and each theme once
            found += [f"{name} at {width}, {theme}: {complaint}" for complaint in visitor.complaints()]
    visitor.page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
    visitor.page.emulate_media(color_scheme="light")
    return found
