"""Was there a store at this place before? Then it is never begun anew by itself: a file that is away is waited for.

The folder for everything that is written remembers the file that its deployment wrote last.
"""

from __future__ import annotations

from pathlib import Path

from settings import Settings

_NAME = "store"


def file_of(url: str) -> Path | None:
    """Return the file that a store's URL names, None where it names a server."""
    scheme, _, path = url.partition(":///")
    return Path(path).absolute() if scheme == "sqlite" and path else None


def is_missing(settings: Settings) -> bool:
    """Return whether the store's file is not there, though it was."""
    path = file_of(settings.store_url)
    return path is not None and not path.exists() and _said(settings) == str(path)


def note(settings: Settings) -> None:
    """Remember that the store is there."""
    path = file_of(settings.store_url)
    if path is not None and _said(settings) != str(path):
        _mark(settings).write_text(f"{path}\n", encoding="utf-8")


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
