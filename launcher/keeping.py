"""How much is kept, and what becomes of what is old? `launch.py db --sizes` and `launch.py db --archive`"""

from __future__ import annotations

from pathlib import Path

from db.urls import sqlite_path
from launcher.parts import Roof, keeper_over
from launcher.say import say
from launcher.screen import show, show_json, table_of
from settings import NO_ARCHIVE, Settings


def show_sizes(roof: Roof, *, as_json: bool) -> int:
    """Print how many records of each kind the store holds, and how many bytes lie in each folder."""
    with roof.joined() as parts:
        records = parts.store.sizes()
    taken = {name: sum(_sizes(path)) for name, path in _places(roof.settings).items()}
    if as_json:
        show_json({"records": records, "bytes": taken})
        return 0
    table = table_of("kept", "records", right=["records"])
    for name, count in records.items():
        table.add_row(name, f"{count:,}")
    show(table)
    table = table_of("in", "MB", right=["MB"])
    for name, size in taken.items():
        table.add_row(name, f"{size / 1e6:,.1f}")
    show(table)
    return 0


def archive_now(roof: Roof, *, as_json: bool) -> int:
    """Archive all that is older than the settings say. A scheduler that runs may do the same meanwhile."""
    with roof.joined() as parts:
        removed = keeper_over(roof.settings, parts.store, roof.clock).sweep(roof.clock.now())
    archive = roof.settings.archive
    if as_json:
        show_json({"removed": removed, "archive": "" if archive == NO_ARCHIVE else archive})
    elif archive == NO_ARCHIVE:
        say(f"{removed:,} records dropped")
    else:
        say(f"{removed:,} records are in {archive} now, and no longer in the store")
    return 0


def _places(settings: Settings) -> dict[str, Path]:
    file = sqlite_path(settings.store_url)  # what a server keeps lies on its own disk
    places = {"store": file} if file else {}
    places |= {"output": settings.folder / "output", "log": settings.folder / "log"}
    return places | ({} if settings.archive == NO_ARCHIVE else {"archive": Path(settings.archive)})


def _sizes(path: Path) -> list[int]:
    """Return the sizes of a database's files, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else path.parent.glob(f"{path.name}*")
    return [found.stat().st_size for found in files if found.is_file()]
