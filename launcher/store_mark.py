"""Was there a store at this place before? Then it is never begun anew by itself: a file that is away is waited for.

The folder for everything that is written remembers the file that its deployment wrote last.
"""

from __future__ import annotations

from pathlib import Path

from db.urls import sqlite_path
from settings import Settings

_NAME = "store"


def is_missing(settings: Settings) -> bool:
    """Return whether the store's file is not there, though it was."""
    path = sqlite_path(settings.store_url)
    try:
        return path is not None and not path.exists() and _said(settings) == str(path.absolute())
    except OSError:  # a folder on the way can't be entered, which says nothing of the file
        return False


def note(settings: Settings) -> None:
    """Remember that the store is there."""
    path = sqlite_path(settings.store_url)
    if path is not None and _said(settings) != str(path.absolute()):
        _mark(settings).write_text(f"{path.absolute()}\n", encoding="utf-8")


def forget(settings: Settings) -> None:
    """Let the next one begin with an empty store."""
    _mark(settings).unlink(missing_ok=True)


def _said(settings: Settings) -> str:
    try:
        return _mark(settings).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _mark(settings: Settings) -> Path:
    return settings.folder / _NAME
